"""Sending: ways in order, what each answer leads to, what pauses and closes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from jobs.courier import AT_ONCE
from loyalty.broadcasts import service
from loyalty.broadcasts.models import MarketingCount
from loyalty.broadcasts.queries import get_broadcast, progress
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.broadcasts.rules.states import BroadcastState, Reason
from loyalty.broadcasts.service.claiming import Claim
from loyalty.broadcasts.service.settling import settle
from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.models import Notice
from loyalty.notices.service.holding import release_held
from tests.factories.broadcasts import ACTOR, CAMPAIGN_TEMPLATE, CONTENT, Stage, make_grant
from tests.factories.members import make_identity
from tests.factories.notices import make_templates, request_notice

REFUSED, RETRY, FINAL = SendState.REFUSED, SendState.FAILED_RETRY, SendState.FAILED_FINAL
NO_GRANT = SendOutcome(REFUSED, SendReason.NO_GRANT, errcode=43101)
QUOTA = SendOutcome(RETRY, SendReason.QUOTA_USED, errcode=45009)
BUSY = SendOutcome(RETRY, SendReason.BUSY, errcode=-1)
LOST = SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER)


def test_a_grant_pays_for_one_subscription_message(stage: Stage) -> None:
    member, mini = stage.member(grants=2)
    assert mini is not None
    broadcast_id = stage.broadcast(member)

    stage.send(broadcast_id)

    (message,) = stage.mini_program.sent
    assert (message.openid, message.template_id) == (mini.openid, CAMPAIGN_TEMPLATE)
    assert message.data == {"thing1": "周年庆", "thing2": "全场咖啡第二杯半价，本周日截止。"}
    assert message.page is not None
    assert message.page.startswith("pages/index/index?click=")
    assert stage.outcome(broadcast_id, member) == ("sent", None)
    assert stage.grants(mini) == 1
    assert stage.send(broadcast_id) == 0
    assert len(stage.mini_program.sent) == 1


def test_who_wrote_to_us_gets_a_customer_message_with_a_link_and_the_word_to_unsubscribe(stage: Stage) -> None:
    member, official = stage.writer()
    broadcast_id = stage.broadcast(member)

    stage.send(broadcast_id)

    ((openid, text),) = stage.official_account.written
    assert openid == official.openid
    assert text.startswith(f"{CONTENT.title}\n{CONTENT.body}")
    assert "https://shop.example/h5/go/" in text
    assert "TD" in text


def test_a_window_allows_five_messages_and_no_more(stage: Stage) -> None:
    member, _official = stage.writer()
    often = PushPolicy(messages_a_day=20, messages_a_week=100)
    service.save_policy(stage.session, policy=often, actor=ACTOR, at=stage.at)

    for _ in range(6):
        stage.send(stage.broadcast(member))

    assert len(stage.official_account.written) == 5


def test_without_a_way_the_inbox_has_it_and_says_why(stage: Stage) -> None:
    no_grant, _mini = stage.member()
    no_account, _none = stage.member(has_mini=False)
    broadcast_id = stage.broadcast(no_grant, no_account)

    stage.send(broadcast_id)

    assert stage.outcome(broadcast_id, no_grant) == ("inbox", Reason.NO_WAY)
    assert stage.outcome(broadcast_id, no_account) == ("inbox", Reason.NO_ACCOUNT)
    assert progress(stage.session, broadcast_id).inbox == 2


@pytest.mark.parametrize(
    ("answer", "attempt", "outcome", "grants_left"),
    [
        (SendOutcome(SendState.ACCEPTED, provider_message_id="7"), "sent", ("sent", None), 1),
        (LOST, "unknown", ("sent", None), 1),
        (NO_GRANT, "refused", ("inbox", Reason.NOT_SENT), 0),
        (SendOutcome(FINAL, SendReason.IDENTITY_UNKNOWN, errcode=40003), "failed", ("inbox", Reason.NOT_SENT), 2),
        (SendOutcome(REFUSED, SendReason.BLOCKED_BY_RECEIVER), "refused", ("inbox", Reason.NOT_SENT), 2),
        (SendOutcome(FINAL, SendReason.OTHER, errcode=1), "failed", ("inbox", Reason.NOT_SENT), 2),
        (BUSY, "again", ("waiting", None), 2),
        (SendOutcome(RETRY, SendReason.TEMPLATE_UNKNOWN, errcode=40037), "again", ("waiting", None), 2),
        (QUOTA, "again", ("waiting", None), 2),
        (SendOutcome(FINAL, SendReason.NOT_PERMITTED, errcode=48001), "again", ("waiting", None), 2),
        (SendOutcome(FINAL, SendReason.VALUE_REFUSED, errcode=47003), "again", ("ready", None), 2),
        (SendOutcome(FINAL, SendReason.PAGE_UNKNOWN, errcode=41030), "again", ("ready", None), 2),
    ],
)
def test_every_answer_has_its_consequence(
    stage: Stage, answer: SendOutcome, attempt: str, outcome: tuple[str, str | None], grants_left: int
) -> None:
    member, mini = stage.member(grants=2)
    stage.mini_program.outcomes.append(answer)
    broadcast_id = stage.broadcast(member)

    stage.send(broadcast_id)

    assert stage.attempts(member) == [("subscription", attempt)]
    assert stage.outcome(broadcast_id, member) == outcome
    assert stage.grants(mini) == grants_left
    count = stage.session.get(MarketingCount, member.id, populate_existing=True)
    assert count is not None
    assert count.day_count == count.week_count == (1 if outcome[0] == "sent" else 0)
    assert len(stage.mini_program.sent) == 1


@pytest.mark.parametrize("errcode", [45015, 45047])
def test_a_window_that_wechat_says_is_closed_stays_closed(stage: Stage, errcode: int) -> None:
    member, _official = stage.writer()
    stage.official_account.outcomes.append(SendOutcome(REFUSED, SendReason.WINDOW_CLOSED, errcode=errcode))
    stage.send(stage.broadcast(member))
    later = stage.broadcast(member)

    stage.send(later)

    assert len(stage.official_account.written) == 1
    assert stage.outcome(later, member) == ("inbox", Reason.NO_WAY)


def test_a_refused_message_goes_the_next_way(stage: Stage) -> None:
    member, official = stage.writer()
    stage.official_account.outcomes.append(SendOutcome(REFUSED, SendReason.BLOCKED_BY_RECEIVER, errcode=48002))
    make_grant(stage.session, make_identity(stage.session, member=member, kind=IdentityKind.MINI_PROGRAM), at=stage.at)
    broadcast_id = stage.broadcast(member, chosen=(Channel.CUSTOMER, Channel.SUBSCRIPTION))

    stage.send(broadcast_id)

    assert stage.attempts(member) == [("customer", "refused"), ("subscription", "sent")]
    assert stage.outcome(broadcast_id, member) == ("sent", None)
    assert official.is_following


def test_45009_stops_the_channel_until_midnight_in_china_and_then_it_goes_on(stage: Stage) -> None:
    people = [stage.member(grants=1)[0] for _ in range(3)]
    stage.mini_program.outcomes.append(QUOTA)
    broadcast_id = stage.broadcast(people[0])
    stage.send(broadcast_id)
    other = stage.broadcast(*people[1:])

    stage.send(other)

    assert len(stage.mini_program.sent) == 1
    assert progress(stage.session, other).waiting == 2
    next_morning = datetime(2026, 3, 11, 0, 0, tzinfo=UTC)
    stage.send(other, at=next_morning)
    stage.send(broadcast_id, at=next_morning)
    assert len(stage.mini_program.sent) == 4
    assert progress(stage.session, other).sent == {Channel.SUBSCRIPTION: 2}


def test_a_busy_platform_is_tried_three_times(stage: Stage) -> None:
    member, mini = stage.member(grants=1)
    stage.mini_program.outcomes.extend([BUSY] * 9)
    broadcast_id = stage.broadcast(member)

    for minutes in range(0, 30, 3):
        stage.send(broadcast_id, at=stage.at + timedelta(minutes=minutes))

    assert len(stage.mini_program.sent) == 3
    assert stage.outcome(broadcast_id, member) == ("inbox", Reason.NOT_SENT)
    assert stage.grants(mini) == 1


def test_what_is_wrong_for_everybody_pauses_the_broadcast_until_somebody_resumes_it(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    stage.mini_program.outcomes.append(SendOutcome(FINAL, SendReason.VALUE_REFUSED, errcode=47003))
    broadcast_id = stage.broadcast(member)
    stage.send(broadcast_id)
    paused = get_broadcast(stage.session, broadcast_id=broadcast_id)
    assert (paused.state, paused.error) == (BroadcastState.PAUSED, SendReason.VALUE_REFUSED)

    later = stage.at + timedelta(minutes=1)
    service.resume(stage.session, broadcast_id=broadcast_id, actor=ACTOR, at=later)
    stage.send(broadcast_id, at=later)

    assert stage.outcome(broadcast_id, member) == ("sent", None)


def test_a_paused_broadcast_sends_nothing_and_a_stopped_one_never_again(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    broadcast_id = stage.broadcast(member)
    service.pause(stage.session, broadcast_id=broadcast_id, actor=ACTOR, at=stage.at)
    assert stage.send(broadcast_id) == 0

    service.stop(stage.session, broadcast_id=broadcast_id, actor=ACTOR, at=stage.at)

    assert stage.send(broadcast_id) == 0
    assert stage.mini_program.sent == []


def test_marketing_stands_behind_a_service_notice_that_waits(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    make_templates(stage.session, at=stage.at)
    request_notice(stage.session, member_id=member.id, at=stage.at)
    broadcast_id = stage.broadcast(member)

    assert stage.send(broadcast_id) == 0
    # What has waited for so long is stuck, and blocks nobody.
    assert stage.send(broadcast_id, at=stage.at + timedelta(hours=2)) > 0


def test_marketing_of_the_morning_stands_behind_what_the_night_held_back(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    make_templates(stage.session, at=stage.at)
    night, morning = datetime(2026, 3, 10, 15, tzinfo=UTC), datetime(2026, 3, 11, 0, tzinfo=UTC)
    request_notice(stage.session, member_id=member.id, at=night)
    stage.session.execute(update(Notice).values(due_at=morning))
    broadcast_id = stage.broadcast(member)

    assert stage.send(broadcast_id, at=morning) == 0
    assert release_held(stage.session, at=morning) == 1
    assert stage.send(broadcast_id, at=morning + timedelta(minutes=1)) == 0
    assert stage.send(broadcast_id, at=morning + timedelta(hours=1)) > 0


class Recorder:
    """Carries nothing, and knows how many messages it was given at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def send(self, claims: Sequence[Claim], *, content: MessageContent) -> list[SendOutcome]:
        self.sizes.append(len(claims))
        return [SendOutcome(SendState.ACCEPTED) for _ in claims]


def test_a_slow_pace_makes_small_groups_so_that_a_word_is_honoured_soon(stage: Stage) -> None:
    people = [stage.member(grants=1)[0] for _ in range(12)]
    service.save_policy(stage.session, policy=PushPolicy(messages_a_second=1), actor=ACTOR, at=stage.at)
    broadcast_id, carrier = stage.broadcast(*people), Recorder()

    for _ in range(2):
        service.send_group(stage.database, courier=carrier, broadcast_id=broadcast_id, zone=stage.zone, at=stage.at)

    assert carrier.sizes == [10, 2]


def test_45009_stops_the_calls_of_the_same_group_too(stage: Stage) -> None:
    people = [stage.member(grants=1) for _ in range(30)]
    stage.mini_program.outcomes.extend([QUOTA] * 30)
    broadcast_id = stage.broadcast(*(member for member, _mini in people))

    stage.send(broadcast_id)

    assert len(stage.mini_program.sent) <= AT_ONCE
    assert progress(stage.session, broadcast_id).waiting == 30
    assert [stage.grants(mini) for _member, mini in people] == [1] * 30


def test_an_attempt_whose_worker_died_counts_as_sent_and_is_not_made_again(stage: Stage) -> None:
    member, mini = stage.member(grants=2)
    broadcast_id = stage.broadcast(member)
    (claim,) = stage.claim(broadcast_id).claims
    assert service.resolve_stale(stage.session, at=stage.at + timedelta(minutes=1)) == 0

    assert service.resolve_stale(stage.session, at=stage.at + timedelta(minutes=3)) == 1

    assert stage.attempts(member) == [("subscription", "unknown")]
    assert stage.outcome(broadcast_id, member) == ("sent", None)
    assert stage.send(broadcast_id, at=stage.at + timedelta(minutes=3)) == 0
    assert stage.grants(mini) == 1
    # The worker was only slow: its good answer still counts, a bad one changes nothing.
    settle(stage.session, outcomes={claim.attempt_id: NO_GRANT}, at=stage.at)
    assert stage.attempts(member) == [("subscription", "unknown")]
    settle(stage.session, outcomes={claim.attempt_id: SendOutcome(SendState.ACCEPTED)}, at=stage.at)
    assert stage.attempts(member) == [("subscription", "sent")]
