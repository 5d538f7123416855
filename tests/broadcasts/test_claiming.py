"""Claiming: whatever stands against a message is asked at the moment it would go."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.broadcasts import service
from loyalty.broadcasts.models import MarketingCount, Recipient
from loyalty.broadcasts.queries import progress
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.broadcasts.rules.states import Reason
from loyalty.broadcasts.service.counting import count, uncount
from loyalty.kernel.audit import Actor
from loyalty.members.models import Member
from loyalty.members.rules.consents import DRAFT_TEXTS, Purpose
from loyalty.members.rules.identities import Door
from loyalty.members.rules.members import MemberStatus
from loyalty.members.service import set_notice_wanted
from loyalty.members.service.consents import record_consents, withdraw_consent
from loyalty.notices import queries as notices
from loyalty.notices.models import InboxMessage, SubscriptionGrantEntry
from loyalty.notices.rules import NoticeKind, QuietHours
from loyalty.notices.service import configure_kind
from loyalty.notices.service.granted_pages import GrantUse, take_grants
from loyalty.notices.service.grants import take_grant
from loyalty.notices.service.quiet_hours import save_quiet_hours
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.service.blocking import block
from tests.factories.broadcasts import ACTOR, CAMPAIGN_TEMPLATE, CONTENT, Stage, make_broadcast
from tests.factories.members import make_member
from tests.support.settings import VAULT

NIGHT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
"""23:00 in Shanghai."""


def _close(session: Session, member: Member, at: datetime) -> None:
    member.status = MemberStatus.CLOSED
    session.flush()


def _unsubscribe(session: Session, member: Member, at: datetime) -> None:
    service.unsubscribe(session, member_id=member.id, at=at)


def _withdraw(session: Session, member: Member, at: datetime) -> None:
    texts = [text for text in DRAFT_TEXTS if text.purpose is Purpose.MARKETING]
    record_consents(session, member_id=member.id, texts=texts, door=Door.H5, at=at)
    withdraw_consent(session, member_id=member.id, purpose=Purpose.MARKETING, door=Door.H5, at=at)


def _block(session: Session, member: Member, at: datetime) -> None:
    target = Target(BlockKind.MEMBER, str(member.id))
    block(session, vault=VAULT, target=target, reason="刷单", expires_at=None, actor=ACTOR, at=at)


Word = Callable[[Session, Member, datetime], None]
WORDS: list[tuple[Word, Reason]] = [
    (_close, Reason.GONE),
    (_unsubscribe, Reason.UNSUBSCRIBED),
    (_withdraw, Reason.CONSENT_WITHDRAWN),
    (_block, Reason.BLOCKED),
]


@pytest.mark.parametrize(("speak", "reason"), WORDS)
def test_a_word_between_plan_and_claim_is_honoured(stage: Stage, speak: Word, reason: Reason) -> None:
    member, mini = stage.member(grants=1)
    broadcast_id = stage.broadcast(member)
    stage.sort(broadcast_id)
    speak(stage.session, member, stage.at)

    assert stage.claim(broadcast_id).claims == []
    assert stage.outcome(broadcast_id, member) == ("inbox", reason)
    assert stage.grants(mini) == 1


@pytest.mark.parametrize(("speak", "reason"), WORDS)
def test_a_word_before_the_plan_keeps_even_the_inbox_empty(stage: Stage, speak: Word, reason: Reason) -> None:
    member, _mini = stage.member(grants=1)
    speak(stage.session, member, stage.at)

    broadcast_id = stage.broadcast(member)

    assert stage.outcome(broadcast_id, member) == ("left_out", reason)
    assert notices.count_unread(stage.session, member_id=member.id) == 0
    assert progress(stage.session, broadcast_id).inbox == 0


def test_who_consents_again_is_written_to_again(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    _withdraw(stage.session, member, stage.at)
    texts = [text for text in DRAFT_TEXTS if text.purpose is Purpose.MARKETING]
    record_consents(stage.session, member_id=member.id, texts=texts, door=Door.H5, at=stage.at)
    set_notice_wanted(stage.session, member_id=member.id, kind=NoticeKind.CAMPAIGN, is_wanted=True, at=stage.at)

    assert len(stage.claim(stage.broadcast(member)).claims) == 1


def test_nothing_is_claimed_in_the_quiet_hours(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    broadcast_id = stage.broadcast(member)

    assert stage.claim(broadcast_id, at=NIGHT).claims == ()
    assert stage.send(broadcast_id, at=NIGHT) == 0
    assert len(stage.claim(broadcast_id, at=NIGHT + timedelta(hours=9)).claims) == 1


def test_nothing_is_claimed_so_late_that_its_calls_may_run_into_the_quiet_hours(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    broadcast_id = stage.broadcast(member)
    evening = NIGHT - timedelta(hours=1)

    assert stage.claim(broadcast_id, at=evening - timedelta(seconds=1)).claims == ()
    assert stage.send(broadcast_id, at=evening - timedelta(seconds=1)) == 0
    assert len(stage.claim(broadcast_id, at=evening - timedelta(minutes=3)).claims) == 1


def test_nothing_is_claimed_in_the_quiet_hours_that_headquarters_sets(stage: Stage) -> None:
    broadcast_id = stage.broadcast(stage.member(grants=1)[0])
    hours = QuietHours(time(20), time(12))
    save_quiet_hours(stage.session, hours=hours, actor=ACTOR, at=stage.at)

    assert len(stage.claim(broadcast_id).claims) == 0
    assert len(stage.claim(broadcast_id, at=stage.at + timedelta(hours=2)).claims) == 1


def test_the_day_and_the_week_are_capped_across_broadcasts(stage: Stage) -> None:
    member, _mini = stage.member(grants=9)
    policy = PushPolicy(messages_a_day=1, messages_a_week=2)
    claimed = []
    for days in (0, 0, 1, 2, 6):  # from a Tuesday on
        at = stage.at + timedelta(days=days)
        broadcast_id = make_broadcast(stage.session, [member.id], at=at)
        claimed.append(len(stage.claim(broadcast_id, policy=policy, at=at).claims))

    assert claimed == [1, 0, 1, 0, 1]


def test_the_capped_have_the_inbox_and_keep_their_grant(stage: Stage) -> None:
    member, mini = stage.member(grants=2)
    stage.claim(stage.broadcast(member))
    second = stage.broadcast(member)

    stage.claim(second)

    assert stage.outcome(second, member) == ("inbox", Reason.CAPPED)
    assert stage.grants(mini) == 1


def test_the_capped_take_nothing_of_the_quota_from_those_behind_them(stage: Stage) -> None:
    capped, behind = (stage.member(grants=2)[0] for _ in range(2))
    stage.claim(stage.broadcast(capped))
    both = stage.broadcast(capped, behind)

    claims = stage.claim(both, policy=PushPolicy(subscription_quota=2, service_percent=0)).claims

    assert len(claims) == 1
    assert stage.outcome(both, capped) == ("inbox", Reason.CAPPED)


def test_a_grant_that_a_service_notice_took_leads_to_the_next_way(stage: Stage) -> None:
    member, mini = stage.member(grants=1)
    assert mini is not None
    broadcast_id = stage.broadcast(member)
    stage.sort(broadcast_id)
    assert take_grant(
        stage.session, identity_id=mini.id, template_id=CAMPAIGN_TEMPLATE, reference="notice:1:1", at=stage.at
    )

    assert stage.claim(broadcast_id).claims == []
    assert stage.outcome(broadcast_id, member) == ("inbox", Reason.NO_WAY)
    assert stage.session.scalars(select(MarketingCount.day_count)).all() == []


def test_who_loses_the_grant_to_another_message_in_the_claim_itself_is_not_counted(stage: Stage) -> None:
    member, mini = stage.member(grants=2)
    assert mini is not None
    broadcast_id = stage.broadcast(member)
    recipient_id = stage.session.scalar(select(Recipient.id).where(Recipient.member_id == member.id))
    use = GrantUse(mini.id, CAMPAIGN_TEMPLATE, f"broadcast_recipient:{recipient_id}:{stage.at.isoformat()}")
    take_grants(stage.session, uses=[use], at=stage.at)

    assert stage.claim(broadcast_id).claims == []
    assert stage.session.scalars(select(MarketingCount.day_count)).all() == [0]
    assert stage.session.scalars(select(Recipient.counted_on)).all() == [None]
    assert len(stage.claim(broadcast_id, at=stage.at + timedelta(seconds=1)).claims) == 1


def test_every_grant_that_is_taken_has_one_entry(stage: Stage) -> None:
    people = [stage.member(grants=1) for _ in range(3)]
    stage.claim(stage.broadcast(*(member for member, _mini in people)))

    entries = select(func.sum(SubscriptionGrantEntry.change), func.min(SubscriptionGrantEntry.balance_after))
    assert stage.session.execute(entries).one() == (0, 0)
    assert [stage.grants(mini) for _member, mini in people] == [0, 0, 0]


def test_marketing_keeps_off_the_share_of_service_notices(stage: Stage) -> None:
    people = [stage.member(grants=1)[0] for _ in range(10)]
    policy = PushPolicy(subscription_quota=10, service_percent=70)
    broadcast_id = stage.broadcast(*people)

    assert len(stage.claim(broadcast_id, policy=policy).claims) == 3
    assert stage.claim(broadcast_id, policy=policy).claims == []
    assert progress(stage.session, broadcast_id).waiting == 7
    assert len(stage.claim(broadcast_id, policy=policy, at=stage.at + timedelta(days=1)).claims) == 3


def test_who_is_beyond_the_share_on_one_channel_gets_it_on_the_next_at_once_and_beyond_all_tomorrow(
    stage: Stage,
) -> None:
    people = [stage.member(grants=1) for _ in range(6)]
    for _member, mini in people:
        assert mini is not None
        stage.wrote(mini)
    policy = PushPolicy(subscription_quota=10, customer_quota=20, service_percent=90)
    broadcast_id = stage.broadcast(*(member for member, _mini in people))

    claims = stage.claim(broadcast_id, policy=policy).claims

    assert Counter(claim.channel for claim in claims) == {Channel.SUBSCRIPTION: 1, Channel.CUSTOMER: 2}
    assert [stage.grants(mini) for _member, mini in people] == [0, 1, 1, 1, 1, 1]
    assert stage.claim(broadcast_id, policy=policy).claims == []
    assert progress(stage.session, broadcast_id).waiting == 3
    assert len(stage.claim(broadcast_id, policy=policy, at=stage.at + timedelta(days=1)).claims) == 3


def test_what_could_not_go_for_three_days_is_left_to_the_inbox(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    broadcast_id = stage.broadcast(member)

    stage.claim(broadcast_id, at=stage.at + timedelta(days=3))

    assert stage.outcome(broadcast_id, member) == ("inbox", Reason.TOO_LATE)


def test_headquarters_can_switch_marketing_off_at_once(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    broadcast_id = stage.broadcast(member)
    configure_kind(
        stage.session,
        kind=NoticeKind.CAMPAIGN,
        is_enabled=False,
        channels=["subscription", "inbox"],
        is_own_act=False,
        actor=Actor("staff:1"),
        at=stage.at,
    )

    assert stage.claim(broadcast_id).claims == []
    assert stage.outcome(broadcast_id, member) == ("inbox", Reason.SWITCHED_OFF)


def test_members_are_added_once_each_with_a_message_that_knows_where_it_leads(stage: Stage) -> None:
    member, _mini = stage.member()
    other = make_member(stage.session)
    broadcast_id = stage.broadcast(member)

    again = service.add_members(
        stage.session, broadcast_id=broadcast_id, member_ids=[member.id, other.id, other.id, 10**12],
        due_at=stage.at, at=stage.at,
    )  # fmt: skip

    assert again == 1
    (message,) = stage.session.scalars(select(InboxMessage).where(InboxMessage.member_id == member.id))
    assert (message.kind, message.title, message.body) == ("campaign", CONTENT.title, CONTENT.body)
    assert message.link is not None
    assert message.page == f"{CONTENT.page}?click={message.link.removeprefix('/h5/go/')}"


def test_the_same_subject_is_one_broadcast(stage: Stage) -> None:
    made = [
        service.create(stage.session, subject="campaign_run:7", content=CONTENT, channels=[Channel.INBOX], at=stage.at)
        for _ in range(2)
    ]
    assert made[0] == made[1]


def test_what_is_taken_back_makes_room_on_its_own_day_and_week(stage: Stage) -> None:
    member, _mini = stage.member()
    policy = PushPolicy(messages_a_day=1, messages_a_week=2)
    tuesday, wednesday = date(2026, 3, 10), date(2026, 3, 11)

    def counted(day: date) -> bool:
        return bool(count(stage.session, member_ids=[member.id], policy=policy, today=day))

    assert counted(tuesday)
    assert counted(wednesday)
    uncount(stage.session, counted={member.id: tuesday})
    assert not counted(wednesday), "the day is still full"
    uncount(stage.session, counted={member.id: wednesday})
    assert counted(wednesday)
