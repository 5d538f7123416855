"""Notices of expiry: 30, 7 and 1 days before, one message a member and day, each lot and stage once."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import end_of
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.rules.members import MemberStatus
from loyalty.notices.models import InboxMessage, Notice
from loyalty.notices.rules import NoticeIsOwed, NoticeKind
from loyalty.notices.service import configure_kind
from loyalty.points.expiry_models import LotWarning
from tests.factories.expiry import SHANGHAI, plan
from tests.factories.members import make_member
from tests.factories.points import AT, earn, spend

DAY = timedelta(days=1)
TODAY = date(2026, 3, 10)


def at_end_of(days: int) -> dict[str, object]:
    return {"expires_at": end_of(TODAY + days * DAY, SHANGHAI)}


def stages(session: Session, member_id: int) -> list[tuple[date, int]]:
    query = select(LotWarning.expires_on, LotWarning.stage_days).where(LotWarning.member_id == member_id)
    return [(on, days) for on, days in session.execute(query.order_by(LotWarning.warned_at, LotWarning.lot_id))]


def bodies(session: Session, member_id: int) -> list[str]:
    query = select(InboxMessage.body).where(InboxMessage.member_id == member_id)
    return list(session.scalars(query.order_by(InboxMessage.id)))


def test_come_at_three_stages_and_on_no_other_day(session: Session) -> None:
    member = make_member(session)
    last_on = TODAY + 31 * DAY
    earn(session, member.id, 100, expires_at=end_of(last_on, SHANGHAI))

    told_on = [day for day in range(34) if plan(session, AT + day * DAY)]

    assert told_on == [1, 24, 30]
    assert stages(session, member.id) == [(last_on, 30), (last_on, 7), (last_on, 1)]


def test_sum_all_lots_in_one_message_a_day(session: Session) -> None:
    member = make_member(session)
    for points, days in ((100, 1), (50, 1), (30, 7), (5, 30), (900, 31)):
        earn(session, member.id, points, **at_end_of(days))  # type: ignore[arg-type]
    spend(session, member.id, 20)

    assert (plan(session, AT), plan(session, AT)) == (1, 0)

    told = "您有 165 积分即将到期：3月11日130分、3月17日30分、4月9日5分，到期后不能使用。当前余额 1065 积分。"
    assert bodies(session, member.id) == [told]
    notice = session.scalars(select(Notice).where(Notice.member_id == member.id)).one()
    assert notice.facts["expires_on"] == "2026-03-11"
    events = session.scalars(select(OutboxEvent.payload).where(OutboxEvent.kind == "notice.requested"))
    assert list(events) == [{"notice_id": notice.id}]


def test_tell_of_at_most_three_days_by_name(session: Session) -> None:
    member = make_member(session)
    for days in (0, 1, 2, 3):
        earn(session, member.id, 1, **at_end_of(days))  # type: ignore[arg-type]

    plan(session, AT)

    assert "3月10日1分、3月11日1分、3月12日1分等，" in bodies(session, member.id)[0]


@pytest.mark.parametrize(("days", "stage"), [(0, 1), (1, 1), (2, 7), (6, 7), (8, 30), (29, 30)])
def test_that_were_missed_are_made_up_for_by_the_closest_stage(session: Session, days: int, stage: int) -> None:
    member = make_member(session)
    earn(session, member.id, 100, **at_end_of(days))  # type: ignore[arg-type]

    plan(session, AT)

    assert [days for _on, days in stages(session, member.id)] == [stage]


def test_go_to_nobody_who_has_left(session: Session) -> None:
    member = make_member(session, status=MemberStatus.CLOSED, phone=None)
    earn(session, member.id, 100, **at_end_of(1))  # type: ignore[arg-type]

    assert plan(session, AT) == 0


def test_tell_of_nothing_that_is_spent_expired_or_far_away(session: Session) -> None:
    spent, other = make_member(session), make_member(session)
    earn(session, spent.id, 100, **at_end_of(1))  # type: ignore[arg-type]
    spend(session, spent.id, 100)
    earn(session, other.id, 100, **at_end_of(31))  # type: ignore[arg-type]
    earn(session, other.id, 100, expires_at=AT)
    earn(session, other.id, 100)

    assert plan(session, AT) == 0


def test_cannot_be_switched_off(session: Session) -> None:
    with pytest.raises(NoticeIsOwed):
        configure_kind(
            session, kind=NoticeKind.POINTS_EXPIRING, is_enabled=False, channels=["inbox"], is_own_act=False,
            actor=Actor("staff:1"), at=AT,
        )  # fmt: skip
