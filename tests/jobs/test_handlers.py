"""What follows from events, each twice without harm."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs import handlers
from loyalty.channels import service as channels
from loyalty.container import Container
from loyalty.gateways.answers import Follower
from loyalty.gateways.null import NullOfficialAccount
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from loyalty.notices import queries
from loyalty.points import service as points
from loyalty.points.rules import EVENT_OF_KIND
from loyalty.tiers import queries as tiers
from tests.factories.members import make_identity, make_member, unused_unionid
from tests.factories.notices import MP_TEMPLATE, grants_of, make_templates, request_notice
from tests.support.events import recorded
from tests.support.handling import handle_twice
from tests.support.settings import MP_APPID, OA_APPID

LOYALTY = Path(__file__).parents[2] / "loyalty"


def inbox(session: Session, member_id: int) -> list[str]:
    return [message.body for message in queries.list_inbox(session, member_id=member_id).items]


def test_every_kind_of_event_that_is_recorded_has_a_row() -> None:
    source = "\n".join(file.read_text() for file in LOYALTY.rglob("*.py"))
    kinds = set(re.findall(r'(?:record\(\s*session,|constant\()\s*"([a-z_]+\.[a-z_]+)"', source))
    kinds |= set(EVENT_OF_KIND.values())

    assert {"check_in.recorded", "member.enrolled", "push.stored"} <= kinds
    assert kinds | set(handlers.FOLLOWED) <= set(handlers.IN_TRANSACTION)


def test_an_enrolment_opens_an_account_and_welcomes_once(jobs_container: Container, session: Session) -> None:
    member = make_member(session)
    payload = {"member_id": member.id, "identity_id": make_identity(session, member=member).id, "store_id": None}

    handle_twice(jobs_container, "member.enrolled", payload)
    handle_twice(jobs_container, "member.joined", payload)

    assert len(inbox(session, member.id)) == 1
    assert member.number in inbox(session, member.id)[0]


def earn(session: Session, member_id: int, reference: str, explanation: Json, at: datetime) -> Json:
    points.open_account(session, member_id=member_id, at=at)
    points.earn(
        session, member_id=member_id, points=10, reference=reference, explanation=explanation,
        occurred_at=at, at=at,
    )  # fmt: skip
    return recorded(session, "points.earned")[-1]


def test_points_bring_the_reason_and_no_growth_beside_that_of_rules(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    member = make_member(session)
    payload = earn(session, member.id, "order:1", {"rule": "purchase"}, at)

    handle_twice(jobs_container, "points.earned", payload)

    assert inbox(session, member.id) == ["消费获得10积分，积分变动 +10，当前余额 10 积分。"]
    assert tiers.tier_of(session, member_id=member.id, at=at).growth == 0


def test_a_check_in_grows_by_its_plan_and_is_not_told(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    member = make_member(session)
    explanation = {"rule": "check_in", "streak": 1, "base": 10, "bonus": 0}
    payload = earn(session, member.id, "check_in:2026-03-10", explanation, at)

    handle_twice(jobs_container, "points.earned", payload)
    handle_twice(
        jobs_container,
        "check_in.recorded",
        {
            "member_id": member.id,
            "checked_in_on": "2026-03-10",
            "checked_in_at": at.isoformat(),
            "growth": 1,
            "store_id": None,
        },
    )

    assert inbox(session, member.id) == []
    assert tiers.tier_of(session, member_id=member.id, at=at).growth == 1


def checked_in(member_id: int, at: datetime) -> Json:
    on = {"checked_in_on": "2026-03-10", "checked_in_at": at.isoformat()}
    return {"member_id": member_id, **on, "growth": 5, "store_id": None}


@pytest.mark.parametrize("is_delivered_before", [False, True])
def test_a_check_in_of_a_member_merged_since_grows_the_survivor_once(
    jobs_container: Container, session: Session, at: datetime, is_delivered_before: bool
) -> None:
    survivor, other = make_member(session), make_member(session)
    if is_delivered_before:
        handle_twice(jobs_container, "check_in.recorded", checked_in(other.id, at))
    merge(session, survivor_id=survivor.id, other_id=other.id, actor=Actor("system:tests"), at=at)

    handle_twice(jobs_container, "check_in.recorded", checked_in(other.id, at))

    growth = [tiers.tier_of(session, member_id=member.id, at=at).growth for member in (survivor, other)]
    assert growth == [5, 0]


def test_a_check_in_of_a_member_closed_since_grows_nobody(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    member = make_member(session, phone=None, status=MemberStatus.CLOSED)

    handle_twice(jobs_container, "check_in.recorded", checked_in(member.id, at))

    assert tiers.tier_of(session, member_id=member.id, at=at).growth == 0


def test_points_earned_at_night_are_told_at_once_and_an_adjustment_waits(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    member = make_member(session)
    payload = earn(session, member.id, "order:1", {"rule": "purchase"}, at)

    handle_twice(jobs_container, "points.earned", payload)
    handle_twice(jobs_container, "points.adjusted", payload | {"kind": "adjust"})

    acted = session.execute(text("SELECT acted_at FROM notices WHERE member_id = :id"), {"id": member.id})
    assert [row.acted_at for row in acted] == [at]


@pytest.mark.parametrize(("status", "told"), [("closed", 0), ("merged", 1)])
def test_news_of_a_member_who_is_gone_goes_to_the_survivor_or_to_nobody(
    jobs_container: Container, session: Session, at: datetime, status: str, told: int
) -> None:
    survivor, member = make_member(session), make_member(session)
    payload = earn(session, member.id, "order:1", {"rule": "purchase"}, at)
    merged_into_id = survivor.id if status == "merged" else None
    session.execute(
        text("UPDATE members SET status = :status, merged_into_id = :survivor_id WHERE id = :id"),
        {"status": status, "survivor_id": merged_into_id, "id": member.id},
    )

    handle_twice(jobs_container, "points.spent", payload)

    assert len(inbox(session, survivor.id)) == told
    assert inbox(session, member.id) == []


def test_an_agreed_merge_makes_one_member_of_two(jobs_container: Container, session: Session, at: datetime) -> None:
    survivor, other = make_member(session), make_member(session)
    earn(session, other.id, "order:1", {"rule": "purchase"}, at)

    handle_twice(jobs_container, "member.merge_agreed", {"survivor_id": survivor.id, "other_id": other.id})

    session.refresh(other)
    assert other.merged_into_id == survivor.id


def push(container: Container, session: Session, at: datetime, *, appid: str = OA_APPID, **fields: object) -> None:
    told = {"FromUserName": "", "CreateTime": int(at.timestamp()), "MsgType": "event"} | fields
    channels.store_push(session, container.vault, appid=appid, mode="safe", fields=told, reply_text=None, at=at)
    handle_twice(container, "push.stored", recorded(session, "push.stored")[-1])


def test_a_follow_and_its_end_are_noted(jobs_container: Container, session: Session, at: datetime) -> None:
    identity = make_identity(session)

    push(jobs_container, session, at, FromUserName=identity.openid, Event="subscribe", EventKey="qrscene_s1")
    session.refresh(identity)
    assert (identity.is_following, identity.follow_scene) == (True, "s1")

    push(jobs_container, session, at + timedelta(minutes=1), FromUserName=identity.openid, Event="unsubscribe")
    session.refresh(identity)
    assert not identity.is_following


def test_a_follower_is_recognised_by_the_unionid_that_wechat_tells(
    jobs_container: Container, session: Session, official_account: NullOfficialAccount
) -> None:
    member, unionid = make_member(session), unused_unionid()
    make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM, unionid=unionid)
    visitor = make_identity(session, is_following=True)
    official_account.followers[visitor.openid] = Follower(visitor.openid, is_following=True, unionid=unionid)

    handle_twice(jobs_container, "identity.followed", {"identity_id": visitor.id, "member_id": None, "appid": OA_APPID})

    session.refresh(visitor)
    assert visitor.member_id == member.id


def test_an_answered_prompt_counts_and_a_withdrawal_empties(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    identity = make_identity(session, kind=IdentityKind.MINI_PROGRAM)

    def answered(event: str, answer: str, at: datetime) -> None:
        item = {"TemplateId": MP_TEMPLATE, "SubscribeStatusString": answer}
        push(jobs_container, session, at, appid=MP_APPID, FromUserName=identity.openid, Event=event, List=[item])

    answered("subscribe_msg_popup_event", "accept", at)
    assert grants_of(session, identity.id) == {MP_TEMPLATE: 1}

    answered("subscribe_msg_change_event", "reject", at + timedelta(minutes=1))
    assert grants_of(session, identity.id) == {MP_TEMPLATE: 0}


@pytest.mark.parametrize(("status", "state"), [("success", "delivered"), ("failed:user block", "failed")])
def test_a_report_closes_the_message(
    jobs_container: Container, session: Session, at: datetime, status: str, state: str
) -> None:
    make_templates(session, at=at)
    member = make_member(session)
    identity = make_identity(session, member=member, is_following=True)
    notice_id = request_notice(session, member_id=member.id, at=at)
    handle_twice(jobs_container, "notice.requested", {"notice_id": notice_id})

    push(
        jobs_container, session, at, FromUserName=identity.openid, Event="TEMPLATESENDJOBFINISH", MsgID=1, Status=status
    )

    delivery = queries.list_notices(session, member_id=member.id).items[0].deliveries[0]
    assert delivery.state == state
