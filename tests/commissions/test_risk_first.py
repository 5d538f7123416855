"""No commission is approved by an invitation that risk has not let pass, whether its own reward falls due or not."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from jobs.commissions import accrue_commissions, approve_commissions
from loyalty.commissions.rules.plan import Rate
from loyalty.members.models import Member
from loyalty.referrals.rules.programme import Purchase
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import settling, switches
from loyalty.referrals.service.purchases import fulfil
from loyalty.risk.service import release, reverse
from tests.factories.commissions import (
    AT,
    LAST_MONTH,
    bought,
    commission_of,
    commissions_of,
    make_referrer,
    money,
    publish_plan,
)
from tests.factories.members import make_identity
from tests.factories.referrals import ACTOR, ON_PURCHASE, invite, link_of, open_by, publish, referral_of, settle
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import handle_all, perform

COME = LAST_MONTH + timedelta(days=1)
OVER = AT + timedelta(days=8)


@pytest.fixture
def referrer(session: Session, plan_id: int) -> Member:
    """Invites by a programme that pays for a purchase which none of these friends ever makes."""
    publish(session, at=LAST_MONTH, **{**ON_PURCHASE, "purchase": Purchase(minimum_fen=1_000_000, within_days=30)})
    member = make_referrer(session)
    member.enrolled_at = LAST_MONTH
    session.flush()
    return member


def earn_and_approve(container: NullContainer, session: Session, member: Member) -> int:
    """Let somebody buy, and the jobs run until the refund window is over; return the order."""
    order_id = bought(session, member)
    perform(container, accrue_commissions)
    assert isinstance(container.clock, StandingClock)
    container.clock.at = OVER
    perform(container, approve_commissions)
    return order_id


def second_self_of(session: Session, member: Member) -> Member:
    """Another account on the same device."""
    open_by(session, make_identity(session, member=member), link_of(session, member.id, at=COME), device="own", at=COME)
    return invite(session, member, device="own", at=COME)


@pytest.mark.parametrize("has_lapsed", [False, True])
def test_an_honest_friend_who_never_fulfils_the_condition_earns_the_referrer(
    session: Session, container: NullContainer, referrer: Member, has_lapsed: bool
) -> None:
    friend = invite(session, referrer, at=COME)
    if has_lapsed:
        settling.lapse(session, at=COME + timedelta(days=31))

    earn_and_approve(container, session, friend)

    assert money(session, referrer) == (0, 500, 0)
    assert referral_of(session, friend.id).state == ("lapsed" if has_lapsed else "attributed")


@pytest.mark.parametrize("has_lapsed", [False, True])
def test_a_second_self_earns_nothing_until_a_person_lets_it_go(
    session: Session, container: NullContainer, referrer: Member, has_lapsed: bool
) -> None:
    second_self = second_self_of(session, referrer)
    if has_lapsed:
        settling.lapse(session, at=COME + timedelta(days=31))
        session.expire_all()

    order_id = earn_and_approve(container, session, second_self)

    assert (commission_of(session, order_id).state, commission_of(session, order_id).reason) == (
        "reversed", "not_invited"
    )  # fmt: skip
    assert money(session, referrer) == (0, 0, 0)
    referral = referral_of(session, second_self.id)
    assert (referral.state, referral.reason) == ("refused", "same_device")

    release(session, decision_id=referral.decision_id or 0, reason="同住", actor=ACTOR, at=OVER)
    handle_all(container, session, "risk.released")
    assert referral_of(session, second_self.id).is_standing
    assert referral_of(session, second_self.id).state == "attributed", "its own condition is not fulfilled by that"


def test_what_risk_finds_when_it_looks_anew_takes_back_what_was_approved(
    session: Session, container: NullContainer, referrer: Member
) -> None:
    friend = invite(session, referrer, device="phone", at=COME)
    earn_and_approve(container, session, friend)
    assert money(session, referrer) == (0, 500, 0)
    own = make_identity(session, member=referrer)
    open_by(session, own, link_of(session, referrer.id, at=COME), device="phone", at=AT)
    bought(session, friend, 1_000_000, paid_at=COME)
    fulfil(session, referral_id=referral_of(session, friend.id).id, at=OVER)

    settle(session, referral_of(session, friend.id).id, at=OVER + timedelta(days=2))
    handle_all(container, session, "referral.ended")

    assert referral_of(session, friend.id).reason == "same_device"
    assert money(session, referrer) == (0, 0, 0)


def test_what_risk_holds_waits_for_a_person(session: Session, container: NullContainer, referrer: Member) -> None:
    friends = [invite(session, referrer, ip="198.51.100.9", at=COME) for _ in range(6)]
    order_ids = [bought(session, one) for one in friends[1:3]]

    earn_and_approve(container, session, friends[0])
    assert money(session, referrer) == (1_500, 0, 0)

    let_go, caught = (referral_of(session, one.id).decision_id or 0 for one in friends[1:3])
    release(session, decision_id=let_go, reason="核实", actor=ACTOR, at=OVER)
    reverse(session, decision_id=caught, reason="刷单", actor=ACTOR, at=OVER)
    handle_all(container, session, "risk.released", "risk.reversed")
    perform(container, approve_commissions)

    assert [commission_of(session, one).state for one in order_ids] == ["approved", "reversed"]
    assert money(session, referrer) == (500, 500, 0)


def test_a_second_level_waits_for_the_invitation_above_too(
    session: Session, container: NullContainer, referrer: Member
) -> None:
    publish_plan(session, second=(Rate(basis_points=100),))
    middle = second_self_of(session, referrer)
    friend = invite(session, middle, at=COME + timedelta(days=1))

    order_id = earn_and_approve(container, session, friend)

    assert [(one.level, one.state) for one in commissions_of(session, order_id)] == [(1, "approved"), (2, "reversed")]
    assert money(session, referrer) == (0, 0, 0)


def test_nothing_is_approved_before_risk_has_waited_for_the_rest_of_a_ring(
    session: Session, container: NullContainer, referrer: Member
) -> None:
    publish_plan(session, pending_days=0)
    friend = invite(session, referrer, at=AT)
    bought(session, friend)
    assert isinstance(container.clock, StandingClock)
    figures = []
    for later in (timedelta(hours=1), timedelta(hours=25)):
        container.clock.at = AT + later
        perform(container, accrue_commissions)
        perform(container, approve_commissions)
        figures.append(money(session, referrer))

    assert figures == [(500, 0, 0), (0, 500, 0)]


def test_nobody_is_looked_at_while_the_channel_is_off(
    session: Session, container: NullContainer, referrer: Member
) -> None:
    friend = invite(session, referrer, at=COME)
    switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="异常", actor=ACTOR, at=OVER)

    earn_and_approve(container, session, friend)

    assert money(session, referrer) == (500, 0, 0)
    assert referral_of(session, friend.id).decision_id is None
