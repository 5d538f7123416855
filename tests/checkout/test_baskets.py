"""Coupons and points in one basket: set aside together, settled by the purchase, undone by refunds, to the fen."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.checkout import service
from loyalty.checkout.rules import Basket, PointsPaymentNotFound, PointsPaymentRefused
from loyalty.coupons.queries.redemptions import find_of_order
from loyalty.coupons.rules.errors import (
    CouponLockEnded,
    CouponNotUsable,
    CouponRedemptionOfOrder,
    CouponUseReferenceReused,
)
from loyalty.coupons.rules.states import Standing
from loyalty.members.rules.members import MemberProvisional, MemberStatus
from loyalty.orders.rules import InvalidOrder
from loyalty.points.queries import summary
from loyalty.points.rules import HoldClosed, HoldReferenceReused, InsufficientPoints
from tests.checkout.carts import LINES, reserve, standing, use_of
from tests.factories.checkout import SHANGHAI, buy
from tests.factories.coupon_uses import undo
from tests.factories.members import make_member
from tests.factories.orders import AT, line, make_purchase
from tests.factories.points import assert_books_fit, spend
from tests.support.settings import VAULT

HALF_AN_HOUR = timedelta(minutes=30)


def available(session: Session, member_id: int) -> int:
    return summary(session, member_id=member_id, at=AT).available


class TestReserving:
    def test_sets_both_aside_and_points_pay_what_the_coupon_leaves(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        quote = service.quote_points(session, member_id=member_id, amount_fen=13_000, at=AT)
        assert quote.max_points == 6_500

        reserved = reserve(session, member_id, coupon_id, points=6_500)

        assert (reserved.money_fen, reserved.expires_at, reserved.is_replay) == (6_500, AT + HALF_AN_HOUR, False)
        assert (standing(session, coupon_id), available(session, member_id)) == (Standing.LOCKED, 13_500)
        with pytest.raises(PointsPaymentRefused):
            reserve(session, member_id, points=7_600, reference="larger")

    def test_again_is_a_replay_and_with_anything_else_is_refused(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        first = reserve(session, member_id, coupon_id, points=1_000)

        again = reserve(session, member_id, coupon_id, points=1_000)

        assert (again.is_replay, again.money_fen) == (True, first.money_fen)
        with pytest.raises(HoldReferenceReused):
            reserve(session, member_id, coupon_id, points=900)
        with pytest.raises(CouponUseReferenceReused):
            reserve(session, member_id, coupon_id, points=1_000, use=use_of(LINES[:1]))

    def test_is_both_or_none(self, session: Session, member_id: int, coupon_id: int) -> None:
        spend(session, member_id, 15_000)
        with pytest.raises(InsufficientPoints), session.begin_nested():
            reserve(session, member_id, coupon_id, points=6_000)
        with pytest.raises(CouponNotUsable), session.begin_nested():
            reserve(session, member_id, coupon_id, points=1_000, use=use_of((line(amount_fen=9_900),)))

        assert (standing(session, coupon_id), available(session, member_id)) == (Standing.USABLE, 5_000)

    def test_of_nothing_or_for_somebody_provisional_is_refused(self, session: Session, member_id: int) -> None:
        with pytest.raises(InvalidOrder):
            reserve(session, member_id)
        with pytest.raises(MemberProvisional):
            reserve(session, make_member(session, status=MemberStatus.PROVISIONAL).id, points=100)

    @pytest.mark.parametrize("points", [0, 1_000])
    def test_is_let_go_again_both_of_it(self, session: Session, member_id: int, coupon_id: int, points: int) -> None:
        reserve(session, member_id, coupon_id, points=points)

        for _ in range(2):
            service.release_basket(session, member_id=member_id, reference="cart", at=AT)

        assert (standing(session, coupon_id), available(session, member_id)) == (Standing.USABLE, 20_000)
        with pytest.raises(PointsPaymentNotFound):
            service.release_basket(session, member_id=member_id, reference="unknown", at=AT)


class TestPurchase:
    def test_uses_the_coupon_takes_the_points_and_earns_on_the_money(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        reserve(session, member_id, coupon_id, points=6_500)
        purchase = make_purchase(member_id, *LINES)

        outcome = buy(session, purchase, hold_reference="cart")

        assert (outcome.discount_fen, outcome.captured_fen, outcome.points) == (2_000, 6_500, 65)
        assert outcome.balance_after == 20_000 - 6_500 + 65
        assert standing(session, coupon_id) is Standing.USED
        assert buy(session, purchase, hold_reference="cart") == replace(outcome, is_replay=True)
        with pytest.raises(HoldClosed):
            service.release_basket(session, member_id=member_id, reference="cart", at=AT)
        assert_books_fit(session, member_id)

    def test_keeps_its_coupon_until_it_is_refunded(self, session: Session, member_id: int, coupon_id: int) -> None:
        reserve(session, member_id, coupon_id)
        order_id = buy(session, make_purchase(member_id, *LINES), hold_reference="cart").order_id

        with pytest.raises(CouponRedemptionOfOrder):
            undo(session, find_of_order(session, order_id=order_id)[0].id)

        assert standing(session, coupon_id) is Standing.USED

    def test_without_points_uses_the_coupon_alone(self, session: Session, member_id: int, coupon_id: int) -> None:
        reserve(session, member_id, coupon_id)

        outcome = buy(session, make_purchase(member_id, *LINES), hold_reference="cart")

        assert (outcome.discount_fen, outcome.captured_points, outcome.points) == (2_000, 0, 130)
        (redemption,) = find_of_order(session, order_id=outcome.order_id)
        assert (redemption.coupon_id, redemption.basket_fen) == (coupon_id, 15_000)
        with pytest.raises(CouponLockEnded):
            service.release_basket(session, member_id=member_id, reference="cart", at=AT)
        with pytest.raises(PointsPaymentNotFound):
            buy(session, make_purchase(member_id, *LINES), hold_reference="unknown")

    def test_for_which_a_coupon_no_longer_pays_changes_nothing(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        reserve(session, member_id, coupon_id, points=1_000)

        with pytest.raises(CouponNotUsable), session.begin_nested():
            buy(session, make_purchase(member_id, LINES[1]), hold_reference="cart")

        assert (standing(session, coupon_id), available(session, member_id)) == (Standing.LOCKED, 19_000)

    def test_paid_in_time_and_reported_late_still_takes_the_coupon(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        reserve(session, member_id, coupon_id)
        purchase = make_purchase(member_id, *LINES, paid_at=AT + timedelta(minutes=5))

        outcome = buy(session, purchase, hold_reference="cart", at=AT + timedelta(days=40))

        assert outcome.discount_fen == 2_000

    def test_after_points_ran_out_takes_neither(self, session: Session, member_id: int, coupon_id: int) -> None:
        reserve(session, member_id, coupon_id, points=1_000)
        late = AT + HALF_AN_HOUR

        with pytest.raises(HoldClosed), session.begin_nested():
            buy(session, make_purchase(member_id, *LINES, paid_at=late), hold_reference="cart", at=late)

        assert standing(session, coupon_id, late) is Standing.USABLE

    def test_is_previewed_with_its_coupons(self, session: Session, member_id: int, coupon_id: int) -> None:
        basket = Basket(None, "store", LINES, points_fen=6_500, coupon_ids=(coupon_id,))

        promised = service.preview(session, VAULT, member_id=member_id, basket=basket, at=AT, zone=SHANGHAI)

        reserve(session, member_id, coupon_id, points=6_500)
        paid = buy(session, make_purchase(member_id, *LINES), hold_reference="cart")
        assert promised.points == paid.points == 65
