"""Reach: the figures of one statement against counting the members one by one, and against what is then sent."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.broadcasts import service
from loyalty.broadcasts.models import MarketingCount
from loyalty.broadcasts.queries import progress, reach, reach_sentence
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.broadcasts.rules.reach import Reach
from loyalty.broadcasts.rules.states import REFUSALS, Reason
from loyalty.members.models import Identity, Member
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.rules.members import MemberStatus
from loyalty.notices.rules import NoticeKind
from tests.factories.broadcasts import ACTOR, EVERY, Stage, make_grant
from tests.factories.members import make_identity, make_member
from tests.factories.notices import make_templates


def make_anybody(stage: Stage, dice: random.Random) -> tuple[Member, Channel | Reason]:
    """A member at random, and what we expect of them."""
    member = make_member(stage.session)
    grants = [dice.choice([0, 1, 2]) for _ in range(dice.choice([0, 0, 1, 2]))]
    has_account, has_written = dice.random() < 0.5, dice.random() < 0.5
    is_capped, is_unwilling, is_gone = dice.random() < 0.2, dice.random() < 0.2, dice.random() < 0.1
    for count in grants:
        mini = make_identity(stage.session, member=member, kind=IdentityKind.MINI_PROGRAM)
        make_grant(stage.session, mini, at=stage.at, count=count)
    if has_account:
        official = make_identity(stage.session, member=member, is_following=True)
        if has_written:
            stage.wrote(official)
    if is_capped:
        _cap(stage, member)
    if is_unwilling:
        service.unsubscribe(stage.session, member_id=member.id, at=stage.at)
    if is_gone:
        stage.session.execute(update(Member).where(Member.id == member.id).values(status=MemberStatus.CLOSED))
    ways = [Channel.SUBSCRIPTION] * any(grants) + [Channel.CUSTOMER] * (has_account and has_written)
    reasons = [Reason.GONE] * is_gone + [Reason.UNSUBSCRIBED] * is_unwilling
    reasons += [Reason.NO_ACCOUNT] * (not grants and not has_account) + [Reason.NO_WAY] * (not ways)
    outcomes: list[Channel | Reason] = [*reasons, *[Reason.CAPPED] * is_capped, *ways]
    return member, outcomes[0]


def _cap(stage: Stage, member: Member) -> None:
    today = stage.at.date()
    week = today - timedelta(days=today.weekday())
    stage.session.add(MarketingCount(member_id=member.id, day_on=today, day_count=1, week_on=week, week_count=1))
    stage.session.flush()


def _reach(session: Session, members: list[Member], stage: Stage, *channels: Channel) -> Reach:
    asked = select(Member.id).where(Member.id.in_([member.id for member in members]))
    return reach(session, members=asked, channels=channels or EVERY, at=stage.at, zone=stage.zone)


def test_reach_is_what_counting_one_by_one_finds_and_what_is_then_sent(stage: Stage) -> None:
    dice = random.Random(11)
    people = [make_anybody(stage, dice) for _ in range(150)]
    expected = Counter(outcome for _member, outcome in people)
    members = [member for member, _outcome in people]

    found = _reach(stage.session, members, stage)

    assert {reason: expected[reason] for reason in Reason if expected[reason]} == found.reasons
    assert len(found.reasons) >= 4, "the dice were kind"
    pushed = {channel: expected[channel] for channel in (Channel.SUBSCRIPTION, Channel.CUSTOMER)}
    assert {channel: found.by_channel[channel] for channel in pushed} == pushed
    assert found.by_channel[Channel.INBOX] == 150 - sum(expected[reason] for reason in REFUSALS)
    assert (found.total, found.unreached) == (150, 150 - sum(pushed.values()))

    broadcast_id = stage.broadcast(*members)
    stage.send(broadcast_id)
    sent = progress(stage.session, broadcast_id)
    assert sent.sent == pushed
    assert sent.reasons == found.reasons
    assert sent.inbox == found.by_channel[Channel.INBOX]


def test_a_member_counts_for_the_first_way_in_the_order(stage: Stage) -> None:
    member, _mini = stage.member(grants=1)
    stage.wrote(make_identity(stage.session, member=member, is_following=True))

    first = _reach(stage.session, [member], stage, Channel.CUSTOMER, Channel.SUBSCRIPTION)

    assert (first.by_channel[Channel.CUSTOMER], first.by_channel[Channel.SUBSCRIPTION]) == (1, 0)
    assert _reach(stage.session, [member], stage, Channel.INBOX).reasons == {Reason.INBOX_ONLY: 1}


@pytest.mark.parametrize("policy", [PushPolicy(messages_a_day=0), PushPolicy(messages_a_day=0, messages_a_week=0)])
def test_a_cap_of_nothing_holds_for_who_never_got_a_message(stage: Stage, policy: PushPolicy) -> None:
    member, _mini = stage.member(grants=1)
    service.save_policy(stage.session, policy=policy, actor=ACTOR, at=stage.at)

    found = _reach(stage.session, [member], stage)

    assert (found.pushed, found.reasons) == (0, {Reason.CAPPED: 1})
    broadcast_id = stage.broadcast(member)
    stage.send(broadcast_id)
    assert progress(stage.session, broadcast_id).reasons == found.reasons


def test_reach_tells_what_marketing_may_still_send_today(stage: Stage) -> None:
    people = [stage.member(grants=2)[0] for _ in range(4)]
    policy = PushPolicy(subscription_quota=10, messages_a_day=2)
    service.save_policy(stage.session, policy=policy, actor=ACTOR, at=stage.at)
    stage.claim(stage.broadcast(*people[:3]), policy=policy)

    found = _reach(stage.session, people, stage)

    appid = stage.mini_program.appid
    assert found.quota_left == {f"subscription:{appid}": 5}


def test_service_notices_of_what_is_given_are_counted_apart(stage: Stage) -> None:
    make_templates(stage.session, at=stage.at)
    follower, stranger = make_member(stage.session), make_member(stage.session)
    official: Identity = make_identity(stage.session, member=follower, is_following=True)
    assert official.is_following
    asked = select(Member.id).where(Member.id.in_([follower.id, stranger.id]))

    found = reach(
        stage.session,
        members=asked,
        channels=EVERY,
        at=stage.at,
        zone=stage.zone,
        service_kinds=[NoticeKind.POINTS_CHANGED, NoticeKind.COUPON_ISSUED],
    )

    assert found.service_notices == 1
    assert found.unreached == 2


def test_the_sentence_says_by_which_ways_and_why_not_the_rest() -> None:
    found = Reach(
        total=18_240,
        by_channel={Channel.SUBSCRIPTION: 4_592, Channel.CUSTOMER: 310, Channel.INBOX: 18_240},
        unreached=13_338,
        reasons={Reason.CAPPED: 338, Reason.NO_WAY: 13_000},
    )

    assert reach_sentence(found) == (
        "18,240 人：订阅消息 4,592，客服窗口 310，站内消息 18,240；模板消息 0（营销内容不可用）；"
        "未推送 13,338，因为没有可用的订阅授权，也不在客服窗口内 13,000、已达营销消息频次上限 338"
    )
