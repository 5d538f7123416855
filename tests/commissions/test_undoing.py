"""Refunds, corrections, merges and frauds undo what was earned, wherever the money is by then."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from jobs import commissions as handlers
from loyalty.commissions.rules.plan import Rate
from loyalty.commissions.service import end_unfounded, follow_refund
from loyalty.earnings import service as earnings
from loyalty.limits.rules import Limit, member_entity, month_of
from loyalty.limits.service import used
from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.orders.rules import RefundLine
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import following, switches
from tests.factories.checkout import buy, give_back
from tests.factories.commissions import (
    ACTOR,
    AT,
    SHANGHAI,
    WINDOW_OVER,
    accrue,
    approve,
    bought,
    commission_of,
    commissions_of,
    invite_friend,
    make_referrer,
    money,
    publish_plan,
    say,
)
from tests.factories.earnings import assert_money_fits, withdraw
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.referrals import referral_of
from tests.support.containers import NullContainer
from tests.support.settings import SEAL_KEY

DAY = timedelta(days=1)


@pytest.fixture
def order_id(session: Session, plan_id: int, friend: Member) -> int:
    """An order of 100 yuan that has earned 5."""
    order_id = bought(session, friend, order_number="C-one")
    accrue(session)
    return order_id


def refund(session: Session, order_id: int, amount_fen: int) -> None:
    """Return money, then hear of it as the handler does, twice."""
    quantity = int(amount_fen == 10_000)
    give_back(session, make_refund("C-one", RefundLine(1, quantity, amount_fen)))
    for _ in range(2):
        follow_refund(session, order_id=order_id, at=AT)


def state_of(session: Session, order_id: int) -> tuple[str, str | None]:
    commission = commission_of(session, order_id)
    return commission.state, commission.reason


class TestARefund:
    def test_before_the_approval_takes_from_what_is_pending(
        self, session: Session, order_id: int, referrer: Member
    ) -> None:
        refund(session, order_id, 4_000)
        assert money(session, referrer) == (300, 0, 0)

        assert approve(session) == 1
        assert money(session, referrer) == (0, 300, 0)
        assert_money_fits(session, referrer.id)

    def test_of_everything_leaves_nothing_to_approve(self, session: Session, order_id: int, referrer: Member) -> None:
        refund(session, order_id, 10_000)

        assert approve(session) == 0
        assert state_of(session, order_id) == ("reversed", "refunded")
        assert money(session, referrer) == (0, 0, 0)

    def test_after_the_approval_takes_from_what_can_be_withdrawn(
        self, session: Session, order_id: int, referrer: Member
    ) -> None:
        approve(session)
        refund(session, order_id, 4_000)

        assert money(session, referrer) == (0, 300, 0)
        assert state_of(session, order_id) == ("approved", None)

    def test_after_the_payout_is_owed_and_paid_from_the_next_commission(
        self, session: Session, order_id: int, referrer: Member, friend: Member
    ) -> None:
        approve(session)
        withdraw(session, referrer.id, 500)
        refund(session, order_id, 10_000)
        assert money(session, referrer) == (0, 0, 500)

        bought(session, friend, 16_000)
        accrue(session)
        approve(session)

        assert money(session, referrer) == (0, 300, 0)
        assert_money_fits(session, referrer.id)

    def test_that_nobody_told_of_is_found_by_the_approval(
        self, session: Session, order_id: int, referrer: Member
    ) -> None:
        give_back(session, make_refund("C-one", RefundLine(1, 0, 4_000)))

        approve(session)

        assert money(session, referrer) == (0, 300, 0)


class TestACorrection:
    def correct(self, session: Session, friend: Member, amount_fen: int, version: int) -> None:
        corrected = make_purchase(friend.id, line(amount_fen=amount_fen), order_number="C-one", version=version)
        buy(session, corrected, at=AT + timedelta(minutes=version))
        for _ in range(2):
            accrue(session, at=AT + timedelta(hours=1))

    def test_undoes_what_was_earned_and_reckons_anew(
        self, session: Session, order_id: int, referrer: Member, friend: Member
    ) -> None:
        self.correct(session, friend, 8_000, 2)
        assert money(session, referrer) == (400, 0, 0)
        approve(session)

        self.correct(session, friend, 20_000, 3)
        assert money(session, referrer) == (1_000, 0, 0)

        approve(session)
        assert money(session, referrer) == (0, 1_000, 0)
        assert commission_of(session, order_id).serial == 3
        assert_money_fits(session, referrer.id)

    def test_to_nothing_misses(self, session: Session, order_id: int, referrer: Member, friend: Member) -> None:
        self.correct(session, friend, 0, 2)

        assert money(session, referrer) == (0, 0, 0)
        assert state_of(session, order_id) == ("missed", "nothing_in_scope")


class TestTheApproval:
    def test_comes_when_the_window_is_over_and_once(self, session: Session, order_id: int, referrer: Member) -> None:
        assert approve(session, at=AT + 6 * DAY) == 0
        assert [approve(session), approve(session)] == [1, 0]
        assert money(session, referrer) == (0, 500, 0)

    def test_waits_while_the_channel_is_off_or_risk_holds_the_invitation(
        self, session: Session, order_id: int, referrer: Member, friend: Member
    ) -> None:
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="异常", actor=ACTOR, at=AT)
        assert approve(session) == 0
        switches.turn_on(session, channel=Channel.MINI_PROGRAM, reason="恢复", actor=ACTOR, at=AT)
        held = referral_of(session, friend.id)
        held.state = "held"
        session.flush()
        assert approve(session) == 0

        held.state = "rewarded"
        session.flush()
        assert approve(session) == 1

    def test_of_who_is_gone_is_given_up(self, session: Session, order_id: int, referrer: Member) -> None:
        earnings.forfeit(session, member_id=referrer.id, reference="closing", at=AT)
        say(session, referrer, status="closed", phone_index=None, phone_sealed=None)

        approve(session)

        assert state_of(session, order_id) == ("forfeited", "earner_gone")
        refund(session, order_id, 10_000)
        assert money(session, referrer) == (0, 0, 0)


class TestPeople:
    def test_who_inviter_and_friend_become_by_a_merge_carry_on(
        self, session: Session, order_id: int, referrer: Member, friend: Member
    ) -> None:
        new_self, friends_self = make_referrer(session), make_referrer(session)
        merge(session, survivor_id=new_self.id, other_id=referrer.id, actor=ACTOR, at=AT)
        merge(session, survivor_id=friends_self.id, other_id=friend.id, actor=ACTOR, at=AT)
        for survivor in (new_self, friends_self):
            end_unfounded(session, member_id=survivor.id, at=AT)

        bought(session, friends_self, 10_000)
        assert (accrue(session), approve(session)) == (1, 2)
        refund(session, order_id, 4_000)

        assert money(session, new_self) == (0, 800, 0)
        assert_money_fits(session, new_self.id)

    def test_who_turn_out_to_be_one_earn_nothing_on_themselves(
        self, session: Session, container: NullContainer, order_id: int, referrer: Member, friend: Member
    ) -> None:
        approve(session)
        merge(session, survivor_id=referrer.id, other_id=friend.id, actor=ACTOR, at=AT)
        following.follow_merge(session, member_id=referrer.id, at=AT, zone=SHANGHAI)
        handlers.follow_merge(session, container, {"survivor_id": referrer.id}, AT)

        assert state_of(session, order_id) == ("reversed", "not_invited")
        assert money(session, referrer) == (0, 0, 0)

    def test_who_was_found_to_cheat_loses_what_both_levels_earned(
        self, session: Session, container: NullContainer, referrer: Member, friend: Member
    ) -> None:
        publish_plan(session, second=(Rate(basis_points=100),))
        order_id = bought(session, invite_friend(session, friend))
        accrue(session)
        fraud = referral_of(session, friend.id)
        fraud.is_standing, fraud.state, fraud.reason = False, "reversed", "reviewed"
        session.flush()
        handlers.follow_reversal(session, container, {"member_id": friend.id}, AT)

        assert [one.state for one in commissions_of(session, order_id)] == ["pending", "reversed"]
        assert (money(session, friend)[0], money(session, referrer)[0]) == (500, 0)

        next_one = bought(session, session.get_one(Member, _buyer(session, order_id)))
        accrue(session)
        assert [one.level for one in commissions_of(session, next_one)] == [1]


def _buyer(session: Session, order_id: int) -> int:
    return commissions_of(session, order_id)[0].referee_id


_FEN = st.integers(1, 5_000)
_STEPS = st.lists(st.tuples(st.sampled_from(["buy", "refund", "accrue", "approve", "pay"]), _FEN), max_size=12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_whatever_happened_when_all_is_returned_it_is_as_if_nothing_ever_had(
    session: Session, programme: None, steps: list[tuple[str, int]]
) -> None:
    with session.begin_nested() as savepoint:
        _live(session, steps)
        savepoint.rollback()


def _live(session: Session, steps: list[tuple[str, int]]) -> None:
    publish_plan(session, month_cap_fen=2_000, first=(Rate(basis_points=777),))
    referrer = make_referrer(session)
    friend = invite_friend(session, referrer)
    left: dict[str, tuple[int, int]] = {}
    paid_out = 0
    for number, (step, fen) in enumerate(steps):
        if step == "buy":
            left[f"P{number}"] = bought(session, friend, fen, order_number=f"P{number}"), fen
        elif step == "refund" and left:
            name, (order_id, has) = list(left.items())[fen % len(left)]
            left[name] = order_id, _returned(session, name, order_id, has, min(fen, has))
        elif step == "accrue":
            accrue(session)
        elif step == "approve":
            approve(session)
        elif step == "pay" and (available := money(session, referrer)[1]):
            withdraw(session, referrer.id, available)
            paid_out += available
    for name, (order_id, has) in left.items():
        _returned(session, name, order_id, has, has)
    accrue(session)
    approve(session, at=WINDOW_OVER)

    assert money(session, referrer) == (0, 0, paid_out)
    month = Limit("commission", member_entity(referrer.id), month_of(AT.date()), 2_000, "month_cap")
    assert used(session, limit=month) == 0
    proof = earnings.verify(session, seal_key=SEAL_KEY, at=WINDOW_OVER, member_id=referrer.id)
    assert proof.discrepancies == []


def _returned(session: Session, name: str, order_id: int, has: int, fen: int) -> int:
    if fen:
        is_last = int(fen == has)
        give_back(session, make_refund(name, RefundLine(1, is_last, fen)))
        follow_refund(session, order_id=order_id, at=AT)
    return has - fen
