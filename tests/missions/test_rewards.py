"""Rewards of every kind, refunds that take them back, and members who are merged."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.check_ins.cards import make_up_view
from loyalty.checkout.rules import CheckoutPolicy
from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.states import CouponState, IssuePath
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.kernel.audit import Actor
from loyalty.merging.service import merge
from loyalty.missions.figures import figures, figures_by_day
from loyalty.missions.models import MissionReward
from loyalty.missions.rules.counting import MissReason
from loyalty.missions.rules.standing import StepState
from loyalty.missions.rules.terms import CardsReward, CouponReward, Limits, Measure, MissionEvent, Period, Step
from loyalty.missions.running import get_published
from loyalty.missions.service import count_order
from loyalty.missions.service.missions import publish, save_draft
from loyalty.orders.rules import RefundLine
from loyalty.points.models import PointsAccount
from loyalty.points.rules import Shortfall
from tests.factories.check_ins import SHANGHAI
from tests.factories.checkout import ACCEPTING, buy, give_back, save_policy
from tests.factories.coupon_uses import use_up
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.missions import ACTOR, OPENED, claim, do, make_mission, mission_of, progress_of, seen, steps
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, spend
from tests.support.settings import VAULT

PURCHASES: dict[str, Any] = {"event": MissionEvent.PURCHASE}


@pytest.fixture
def member_id(session: Session) -> int:
    return make_member(session).id


def bought(session: Session, member_id: int, at: datetime, *, fen: int = 10_000) -> tuple[int, str]:
    """A purchase of one line that has been counted; its id and number."""
    purchase = make_purchase(member_id, line(amount_fen=fen))
    order_id = buy(session, purchase).order_id
    count_order(session, vault=VAULT, order_id=order_id, at=at, zone=SHANGHAI)
    return order_id, purchase.order_number


def returned(session: Session, order: tuple[int, str], at: datetime, *, fen: int = 10_000, quantity: int = 1) -> None:
    """A refund of the line, counted twice as a doubled event would be."""
    give_back(session, make_refund(order[1], RefundLine(1, quantity, fen)))
    for _ in range(2):
        count_order(session, vault=VAULT, order_id=order[0], at=at, zone=SHANGHAI)


def cards_of(session: Session, member_id: int, at: datetime) -> int:
    return make_up_view(session, member_id=member_id, zone=SHANGHAI, at=at).cards


def debt_of(session: Session, member_id: int) -> int:
    return session.scalars(select(PointsAccount.debt).where(PointsAccount.member_id == member_id)).one()


def coupon_of(session: Session, member_id: int) -> Coupon:
    return session.scalars(
        select(Coupon).where(Coupon.member_id == member_id).execution_options(populate_existing=True)
    ).one()


class TestAReward:
    def test_may_be_a_coupon_within_its_own_limits(self, session: Session, member_id: int, at: datetime) -> None:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)))
        mission_id = make_mission(session, period=Period.DAILY, steps=(Step(1, CouponReward(template_id)),))
        do(session, member_id, at)

        do(session, member_id, at.replace(day=11))

        assert coupon_of(session, member_id).path == IssuePath.MISSION
        (step,) = seen(session, member_id, mission_id, at.replace(day=11)).steps
        assert (step.state, step.refusal) == (StepState.CLAIMABLE, "已达到该优惠券每人可得的数量")
        told = figures(session, mission_id=mission_id, terms=mission_of(), since=OPENED)
        assert (told.rewards_paid, told.refusals) == (1, {"coupon_limit_reached": 1})

    def test_may_be_make_up_cards(self, session: Session, member_id: int, at: datetime) -> None:
        make_mission(session, steps=(Step(1, CardsReward(3)),))

        do(session, member_id, at)

        assert cards_of(session, member_id, at) == 3


class TestAPurchase:
    def test_counts_what_was_paid_in_money_from_its_minimum_on(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        terms = mission_of(**PURCHASES, measure=Measure.AMOUNT, steps=steps((20_000, 50)), minimum_amount_fen=5_000)
        mission_id = make_mission(session, terms)

        bought(session, member_id, at, fen=4_999)
        bought(session, member_id, at, fen=15_000)
        bought(session, member_id, at, fen=5_000)

        assert (progress_of(session, member_id, mission_id, at), balance_of(session, member_id)) == (20_000, 50)
        assert figures(session, mission_id=mission_id, terms=terms, since=OPENED).misses == {MissReason.MINIMUM: 1}

    def test_that_is_refunded_takes_progress_and_points_back_and_pays_when_it_is_reached_anew(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, **PURCHASES, steps=steps((2, 50)), limits=Limits(points_budget=50))
        bought(session, member_id, at)
        second = bought(session, member_id, at)
        paid = balance_of(session, member_id)

        returned(session, second, at)
        after_refund = (progress_of(session, member_id, mission_id, at), balance_of(session, member_id))
        bought(session, member_id, at)

        assert (paid, after_refund) == (50, (1, 0))
        assert (progress_of(session, member_id, mission_id, at), balance_of(session, member_id)) == (2, 50)
        attempts = session.scalars(select(MissionReward.attempt).order_by(MissionReward.attempt)).all()
        assert attempts == [1, 2]
        assert_books_fit(session, member_id)

    def test_that_is_refunded_in_part_counts_for_what_is_left(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        terms = mission_of(**PURCHASES, measure=Measure.AMOUNT, steps=steps((8_000, 30)), is_claimed_by_hand=True)
        mission_id = make_mission(session, terms)
        order = bought(session, member_id, at)

        returned(session, order, at, fen=2_500, quantity=0)

        view = seen(session, member_id, mission_id, at)
        assert (view.progress, view.steps[0].state) == (7_500, StepState.OPEN)

    def test_that_is_refunded_before_it_is_counted_counts_for_nothing(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, **PURCHASES)
        purchase = make_purchase(member_id)
        order_id = buy(session, purchase).order_id

        returned(session, (order_id, purchase.order_number), at)

        assert (progress_of(session, member_id, mission_id, at), balance_of(session, member_id)) == (0, 0)

    def test_that_is_refunded_after_the_mission_changed_still_takes_back(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, **PURCHASES)
        order = bought(session, member_id, at)
        later = mission_of(**PURCHASES, starts_at=at.replace(day=20), steps=steps((1, 99)))
        save_draft(session, mission_id=mission_id, terms=later, actor=ACTOR, zone=SHANGHAI, at=at)
        publish(session, mission_id=mission_id, actor=ACTOR, zone=SHANGHAI, at=at)

        returned(session, order, at)

        assert balance_of(session, member_id) == 0

    def test_whose_points_are_spent_leaves_what_the_policy_of_refunds_says(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        policy: CheckoutPolicy = replace(ACCEPTING, shortfall=Shortfall.OFFSET_NEXT_EARN)
        save_policy(session, policy)
        make_mission(session, **PURCHASES)
        order = bought(session, member_id, at)
        spend(session, member_id, 8)

        returned(session, order, at)

        assert (balance_of(session, member_id), debt_of(session, member_id)) == (0, 8)
        assert_books_fit(session, member_id)

    @pytest.mark.parametrize("is_used", [False, True])
    def test_that_is_refunded_takes_an_unused_coupon_back_and_leaves_a_used_one(
        self, session: Session, member_id: int, at: datetime, is_used: bool
    ) -> None:
        template_id = make_template(session)
        mission_id = make_mission(session, **PURCHASES, steps=(Step(1, CouponReward(template_id)),))
        order = bought(session, member_id, at)
        if is_used:
            use_up(session, member_id, coupon_of(session, member_id).id)

        returned(session, order, at)
        bought(session, member_id, at)

        states = session.scalars(select(Coupon.state).where(Coupon.member_id == member_id).order_by(Coupon.id)).all()
        assert states == ([CouponState.REDEEMED] if is_used else [CouponState.VOIDED, CouponState.ISSUED])
        told = figures(session, mission_id=mission_id, terms=mission_of(), since=OPENED)
        assert (told.rewards_paid, told.steps[0].reversed) == (1, 0 if is_used else 1)

    def test_that_is_refunded_takes_unused_cards_back(self, session: Session, member_id: int, at: datetime) -> None:
        make_mission(session, **PURCHASES, steps=(Step(1, CardsReward(2)),))
        order = bought(session, member_id, at)

        returned(session, order, at)

        assert cards_of(session, member_id, at) == 0


class TestAMerge:
    def test_adds_up_what_both_did_and_pays_no_step_twice(self, session: Session, member_id: int, at: datetime) -> None:
        other_id = make_member(session).id
        mission_id = make_mission(session, steps=steps((1, 10), (3, 100)))
        for one, reference in ((member_id, "review:1"), (other_id, "review:2")):
            do(session, one, at, reference=reference)

        merge(session, survivor_id=member_id, other_id=other_id, actor=Actor("member:1"), at=at)
        do(session, other_id, at, reference="review:2")  # told again, after the merge
        before_third = balance_of(session, member_id)
        do(session, other_id, at, reference="review:3")

        assert (before_third, balance_of(session, member_id)) == (20, 120)
        assert progress_of(session, member_id, mission_id, at) == 3
        assert_books_fit(session, member_id)

    def test_lets_the_survivor_claim_what_the_other_reached_and_bear_what_a_refund_takes(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        other_id = make_member(session).id
        by_hand = make_mission(session, is_claimed_by_hand=True)
        make_mission(session, **PURCHASES, steps=steps((1, 50)))
        do(session, other_id, at)
        order = bought(session, other_id, at)

        merge(session, survivor_id=member_id, other_id=other_id, actor=Actor("member:1"), at=at)
        claim(session, member_id, by_hand, at)
        after_merge = balance_of(session, member_id)
        returned(session, order, at)

        assert (after_merge, balance_of(session, member_id) - debt_of(session, member_id)) == (60, 10)
        assert_books_fit(session, member_id)

    def test_keeps_the_cards_of_both(self, session: Session, member_id: int, at: datetime) -> None:
        other_id = make_member(session).id
        make_mission(session, steps=(Step(1, CardsReward(2)),))
        for one in (member_id, other_id):
            do(session, one, at)

        merge(session, survivor_id=member_id, other_id=other_id, actor=Actor("member:1"), at=at)

        assert cards_of(session, member_id, at) == 4


def test_figures_tell_each_step_and_each_day(session: Session, member_id: int, at: datetime) -> None:
    mission_id = make_mission(session, steps=steps((1, 10), (2, 20)))
    for one in (member_id, member_id, make_member(session).id):
        do(session, one, at)
    terms = get_published(session, mission_id=mission_id).terms

    told = figures(session, mission_id=mission_id, terms=terms, since=OPENED)
    days = figures_by_day(session, mission_id=mission_id, since=OPENED, until=at.replace(day=11), zone=SHANGHAI)

    assert (told.members, told.points_paid, told.rewards_paid) == (2, 40, 3)
    assert [(step.target, step.reached, step.paid) for step in told.steps] == [(1, 2, 2), (2, 1, 1)]
    assert [(day.on.isoformat(), day.rewards, day.points) for day in days] == [("2026-03-10", 3, 40)]
