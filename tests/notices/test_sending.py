"""Sending: ways in order, outcomes, holds, and what hangs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.gateways.null import NullMiniProgram, NullOfficialAccount
from loyalty.gateways.protocols import SendOutcome, SendReason, SendState
from loyalty.kernel.database import Database
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run
from loyalty.members.models import Identity
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.service import set_notice_wanted
from loyalty.notices import queries, service
from loyalty.notices.models import Notice, NoticeDelivery
from loyalty.notices.rules import POLICY, DeliveryNotYetKnown, SendAgainLater
from loyalty.notices.service import Accounts
from loyalty.notices.service.claiming import claim_next
from tests.factories.members import make_identity, make_member
from tests.factories.notices import (
    MP_TEMPLATE,
    OA_TEMPLATE,
    SHANGHAI,
    make_grants,
    make_templates,
    null_accounts,
    request_notice,
)
from tests.support.settings import OA_APPID

BUSY = SendOutcome(SendState.FAILED_RETRY, SendReason.BUSY, errcode=-1)
NO_ANSWER = SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER)
NO_GRANT = SendOutcome(SendState.REFUSED, SendReason.NO_GRANT, errcode=43101)
NOT_FOLLOWING = SendOutcome(SendState.REFUSED, SendReason.NOT_FOLLOWING, errcode=43004)


@dataclass
class Stage:
    """A member with both accounts, and the null accounts that record what would be sent."""

    database: Database
    session: Session
    member_id: int
    official: Identity
    mini: Identity
    accounts: Accounts
    official_account: NullOfficialAccount
    mini_program: NullMiniProgram

    def notice(self, at: datetime, acted_at: datetime | None = None) -> int:
        return request_notice(self.session, member_id=self.member_id, at=at, acted_at=acted_at)

    def send(self, notice_id: int, at: datetime) -> None:
        service.send(self.database, accounts=self.accounts, notice_id=notice_id, zone=SHANGHAI, at=at)

    def resolve(self, at: datetime) -> int:
        return service.resolve_stale(self.database, accounts=self.accounts, zone=SHANGHAI, at=at)

    def states(self, notice_id: int) -> list[tuple[str, str]]:
        rows = self.session.execute(
            select(NoticeDelivery.channel, NoticeDelivery.state)
            .where(NoticeDelivery.notice_id == notice_id)
            .order_by(NoticeDelivery.id)
        )
        return [(row.channel, row.state) for row in rows]

    def state(self, notice_id: int) -> tuple[str, datetime | None]:
        row = self.session.execute(select(Notice.state, Notice.due_at).where(Notice.id == notice_id)).one()
        return row.state, row.due_at

    def grants(self) -> int:
        return queries.grant_balance(self.session, identity_id=self.mini.id, template_id=MP_TEMPLATE)

    def requested(self, notice_id: int) -> int:
        payloads = self.session.scalars(select(OutboxEvent.payload).where(OutboxEvent.kind == "notice.requested"))
        return sum(payload == {"notice_id": notice_id} for payload in payloads)


@pytest.fixture
def stage(database: Database, session: Session, at: datetime) -> Stage:
    make_templates(session, at=at)
    member = make_member(session)
    official = make_identity(session, member=member, is_following=True)
    mini = make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM)
    return Stage(database, session, member.id, official, mini, *null_accounts())


def test_a_follower_gets_a_template_message(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    message = stage.official_account.sent[0]
    assert (message.openid, message.template_id) == (stage.official.openid, OA_TEMPLATE)
    assert message.data == {"thing1": "消费获得10积分", "character_string2": "10", "time3": "2026年3月10日 10:00"}
    assert message.client_msg_id is not None
    assert stage.states(notice_id) == [("template", "sent")]
    assert stage.state(notice_id)[0] == "finished"
    assert stage.mini_program.sent == []


def test_a_notice_that_is_sent_is_not_sent_again(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    stage.send(notice_id, at)

    assert len(stage.official_account.sent) == 1


def test_who_does_not_follow_gets_a_subscription_message_for_one_grant(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=2, at=at)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.mini_program.sent[0].template_id == MP_TEMPLATE
    assert stage.states(notice_id) == [("subscription", "sent")]
    assert stage.grants() == 1


def test_without_follow_and_grant_the_inbox_stands_alone(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    stage.session.flush()
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.states(notice_id) == []
    assert stage.state(notice_id)[0] == "finished"
    assert queries.count_unread(stage.session, member_id=stage.member_id) == 1


def test_a_refused_template_message_falls_back_and_the_follow_is_gone(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    stage.official_account.outcomes.append(NOT_FOLLOWING)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    stage.session.refresh(stage.official)
    assert stage.states(notice_id) == [("template", "refused"), ("subscription", "sent")]
    assert not stage.official.is_following


def test_43101_empties_the_grants_and_is_not_tried_again(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=3, at=at)
    stage.mini_program.outcomes.append(NO_GRANT)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)
    stage.send(notice_id, at)

    assert len(stage.mini_program.sent) == 1
    assert stage.grants() == 0
    assert stage.states(notice_id) == [("subscription", "refused")]


def test_a_message_that_was_surely_not_sent_gives_its_grant_back(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=1, at=at)
    stage.mini_program.outcomes.append(SendOutcome(SendState.FAILED_FINAL, SendReason.VALUE_REFUSED, errcode=47003))
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.grants() == 1
    assert stage.states(notice_id) == [("subscription", "failed")]


def test_a_busy_platform_is_tried_again_five_times_under_one_key(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.extend([BUSY] * 9)
    notice_id = stage.notice(at)

    for _ in range(POLICY.attempts_max - 1):
        with pytest.raises(SendAgainLater):
            stage.send(notice_id, at)
    stage.send(notice_id, at)

    assert len(stage.official_account.sent) == POLICY.attempts_max
    assert len({message.client_msg_id for message in stage.official_account.sent}) == 1
    assert stage.states(notice_id) == [("template", "failed")]
    assert stage.state(notice_id)[0] == "finished"


def test_a_used_quota_moves_on_at_once(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    stage.official_account.outcomes.append(SendOutcome(SendState.FAILED_RETRY, SendReason.QUOTA_USED, errcode=45009))
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.states(notice_id) == [("template", "failed"), ("subscription", "sent")]


def test_a_retry_that_finds_the_follow_gone_takes_the_next_way(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.append(BUSY)
    notice_id = stage.notice(at)
    with pytest.raises(SendAgainLater):
        stage.send(notice_id, at)
    stage.official.is_following = False
    stage.session.flush()

    stage.send(notice_id, at)

    assert stage.states(notice_id) == [("template", "failed")]
    assert stage.state(notice_id)[0] == "finished"


def test_who_unsubscribed_from_a_kind_finds_it_in_the_inbox_only(stage: Stage, at: datetime) -> None:
    set_notice_wanted(stage.session, member_id=stage.member_id, kind="points_changed", is_wanted=False, at=at)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.official_account.sent == []
    assert queries.count_unread(stage.session, member_id=stage.member_id) == 1


def test_a_notice_of_the_night_goes_out_in_the_morning(stage: Stage, at: datetime) -> None:
    night, morning = at.replace(hour=15), at.replace(hour=0) + timedelta(days=1)
    notice_id = stage.notice(night)

    stage.send(notice_id, night)
    assert stage.official_account.sent == []
    assert stage.state(notice_id) == ("queued", morning)
    assert run(stage.database, lambda session: service.release_held(session, at=morning - timedelta(seconds=1))) == 0

    assert run(stage.database, lambda session: service.release_held(session, at=morning)) == 1
    assert stage.requested(notice_id) == 2
    stage.send(notice_id, morning)
    assert stage.states(notice_id) == [("template", "sent")]


def test_the_answer_to_an_own_act_goes_out_at_night(stage: Stage, at: datetime) -> None:
    night = at.replace(hour=15)
    notice_id = stage.notice(night, acted_at=night - timedelta(minutes=4))

    stage.send(notice_id, night)

    assert stage.states(notice_id) == [("template", "sent")]


def test_the_sixth_message_of_a_day_is_held(stage: Stage, at: datetime) -> None:
    notices = [stage.notice(at) for _ in range(6)]

    for notice_id in notices:
        stage.send(notice_id, at)

    assert len(stage.official_account.sent) == 5
    assert stage.state(notices[-1]) == ("queued", at.replace(hour=0) + timedelta(days=1))


def test_news_that_was_held_for_days_is_left_to_the_inbox(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)

    stage.send(notice_id, at + POLICY.held_at_most + timedelta(minutes=1))

    assert stage.official_account.sent == []
    assert stage.state(notice_id)[0] == "finished"


def claim(stage: Stage, notice_id: int, at: datetime) -> None:
    """What a worker does before it is killed."""
    claimed = run(stage.database, lambda s: claim_next(s, notice_id=notice_id, zone=SHANGHAI, at=at))
    assert claimed is not None


def test_a_template_message_whose_worker_died_is_sent_once_more_under_the_same_key(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.append(NO_ANSWER)
    notice_id = stage.notice(at)
    stage.send(notice_id, at)
    assert stage.states(notice_id) == [("template", "sending")]
    stage.send(notice_id, at)
    assert len(stage.official_account.sent) == 1

    assert stage.resolve(at + timedelta(minutes=1)) == 0
    assert stage.resolve(at + timedelta(minutes=3)) == 1

    assert len({message.client_msg_id for message in stage.official_account.sent}) == 1
    assert len(stage.official_account.sent) == 2
    assert stage.states(notice_id) == [("template", "sent")]
    assert stage.state(notice_id)[0] == "finished"


def test_a_second_silence_makes_a_template_message_unknown(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.extend([NO_ANSWER, NO_ANSWER])
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    stage.resolve(at + timedelta(minutes=3))
    stage.resolve(at + timedelta(minutes=6))
    stage.resolve(at + timedelta(minutes=9))

    assert len(stage.official_account.sent) == 2
    assert stage.states(notice_id) == [("template", "unknown")]


def test_a_template_message_is_not_resent_when_its_key_may_be_forgotten(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)
    claim(stage, notice_id, at)

    stage.resolve(at + POLICY.resend_within)

    assert stage.official_account.sent == []
    assert stage.states(notice_id) == [("template", "unknown")]


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_subscription_message_without_an_answer_is_unknown_counted_and_never_resent(
    stage: Stage, at: datetime, is_killed: bool
) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=2, at=at)
    stage.mini_program.outcomes.append(NO_ANSWER)
    notice_id = stage.notice(at)
    if is_killed:
        claim(stage, notice_id, at)
    else:
        stage.send(notice_id, at)

    for minutes in (3, 6, 9):
        stage.resolve(at + timedelta(minutes=minutes))
        stage.send(notice_id, at + timedelta(minutes=minutes))

    assert len(stage.mini_program.sent) == (0 if is_killed else 1)
    assert stage.states(notice_id) == [("subscription", "unknown")]
    assert queries.count_notices(stage.session).unknown == 1
    assert stage.grants() == 1
    assert queries.count_unread(stage.session, member_id=stage.member_id) == 1


def test_a_resend_that_is_refused_lets_the_notice_go_on(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    notice_id = stage.notice(at)
    claim(stage, notice_id, at)
    stage.official_account.outcomes.append(NOT_FOLLOWING)

    stage.resolve(at + timedelta(minutes=3))

    assert stage.requested(notice_id) == 2
    stage.send(notice_id, at + timedelta(minutes=3))
    assert stage.states(notice_id) == [("template", "refused"), ("subscription", "sent")]


def report(stage: Stage, number: str, at: datetime, *, is_delivered: bool, waited: timedelta = timedelta()) -> None:
    service.note_report(
        stage.session, appid=OA_APPID, openid=stage.official.openid, provider_message_id=number,
        is_delivered=is_delivered, detail="failed:user block", reported_at=at - waited, at=at,
    )  # fmt: skip


def test_a_report_closes_a_message(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    report(stage, "1", at, is_delivered=True)
    report(stage, "1", at, is_delivered=False)

    assert stage.states(notice_id) == [("template", "delivered")]


def test_a_report_of_failure_sends_the_notice_the_next_way(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    report(stage, "1", at, is_delivered=False)
    stage.send(notice_id, at)

    assert stage.states(notice_id) == [("template", "failed"), ("subscription", "sent")]


def test_a_report_before_the_answer_waits_and_one_of_a_stranger_is_dropped(stage: Stage, at: datetime) -> None:
    with pytest.raises(DeliveryNotYetKnown):
        report(stage, "77", at, is_delivered=True)

    report(stage, "77", at, is_delivered=True, waited=timedelta(minutes=11))

    assert queries.count_notices(stage.session).sending == 0


def test_the_console_sees_a_notice_with_its_attempts(stage: Stage, at: datetime, zone: ZoneInfo) -> None:
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    view = queries.list_notices(stage.session, member_id=stage.member_id).items[0]

    assert (view.id, view.title) == (notice_id, "积分变动提醒")
    assert [(one.channel, one.state, one.attempts) for one in view.deliveries] == [("template", "sent", 1)]
