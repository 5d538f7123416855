"""Refunds of orders that coupons and points paid for in part: by line, in any steps, to the fen."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from loyalty.checkout.service import RefundOutcome
from loyalty.coupons.queries.redemptions import find_of_order
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import CashOff, PercentOff, RefundPolicy, Stacking
from loyalty.coupons.service.validating import validate
from loyalty.merging.service import merge
from loyalty.orders.rules import Purchase, RefundLine
from loyalty.points.queries import summary
from tests.checkout.carts import LINES, coupon_of, reserve, standing, use_of
from tests.factories.checkout import ACCEPTING, SHANGHAI, buy, give_back, save_policy
from tests.factories.coupons import ACTOR, terms_of
from tests.factories.earning import make_rule
from tests.factories.members import make_member
from tests.factories.orders import AT, line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.support.proof import size


def return_all(session: Session, purchase: Purchase) -> RefundOutcome:
    """Refund all that is in an order, at once."""
    lines = [RefundLine(one.line_number, one.quantity, one.amount_fen) for one in purchase.lines]
    return give_back(session, make_refund(purchase.order_number, *lines))


class TestRefund:
    def bought(self, session: Session, member_id: int, *coupon_ids: int, points: int = 0) -> Purchase:
        reserve(session, member_id, *coupon_ids, points=points)
        purchase = make_purchase(member_id, *LINES)
        buy(session, purchase, hold_reference="cart")
        return purchase

    def test_by_line_pays_back_what_was_paid_and_returns_the_coupon_with_the_last(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        purchase = self.bought(session, member_id, coupon_id, points=6_500)
        number = purchase.order_number
        first, last = (make_refund(number, RefundLine(one.line_number, 1, one.amount_fen)) for one in LINES)

        partly = give_back(session, first)
        wholly = give_back(session, last)

        # Of ¥20 off, 13.33 lie on the first line; of ¥65 in points, 43.33.
        assert (partly.money_fen, partly.points_returned, partly.points_taken_back) == (4_334, 4_333, 44)
        assert (wholly.money_fen, wholly.points_returned, wholly.points_taken_back) == (2_166, 2_167, 21)
        assert (partly.returned_coupon_ids, wholly.returned_coupon_ids) == ((), (coupon_id,))
        assert (standing(session, coupon_id), balance_of(session, member_id)) == (Standing.USABLE, 20_000)
        assert give_back(session, first) == replace(partly, is_replay=True)
        assert give_back(session, last) == replace(wholly, is_replay=True)
        assert_books_fit(session, member_id)

    def test_forfeits_a_coupon_whose_terms_say_so(self, session: Session, member_id: int) -> None:
        coupon_id = coupon_of(session, member_id, terms_of(refund=RefundPolicy.FORFEIT))
        purchase = self.bought(session, member_id, coupon_id)

        refunded = return_all(session, purchase)

        assert (refunded.money_fen, refunded.returned_coupon_ids) == (13_000, ())
        assert standing(session, coupon_id) is Standing.USED

    def test_before_its_purchase_is_the_same_as_after_it(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        reserve(session, member_id, coupon_id)
        purchase = make_purchase(member_id, *LINES)
        early = make_refund(purchase.order_number, *(RefundLine(one.line_number, 1, one.amount_fen) for one in LINES))
        assert give_back(session, early).is_waiting_for_purchase

        buy(session, purchase, hold_reference="cart")

        told = give_back(session, early)
        assert (told.money_fen, told.returned_coupon_ids) == (13_000, (coupon_id,))
        assert (standing(session, coupon_id), balance_of(session, member_id)) == (Standing.USABLE, 20_000)

    def test_of_somebody_merged_since_returns_the_coupon_to_the_survivor(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        purchase = self.bought(session, member_id, coupon_id, points=1_000)
        survivor_id = make_member(session).id
        merge(session, survivor_id=survivor_id, other_id=member_id, actor=ACTOR, at=AT)

        return_all(session, purchase)

        assert get_coupon(session, coupon_id=coupon_id, member_id=survivor_id, at=AT).standing is Standing.USABLE
        seen = summary(session, member_id=survivor_id, at=AT)
        assert seen.balance - seen.debt == 20_000

    @pytest.mark.parametrize(
        ("corrected", "points"),
        [((20_000,), 180), ((12_000, 5_000), 150), ((1_500,), 0)],
    )
    def test_of_a_corrected_order_keeps_what_the_coupon_took_off(
        self, session: Session, member_id: int, coupon_id: int, corrected: tuple[int, ...], points: int
    ) -> None:
        purchase = self.bought(session, member_id, coupon_id)
        lines = tuple(replace(LINES[0], line_number=n, amount_fen=fen) for n, fen in enumerate(corrected, start=1))

        right = replace(purchase, version=2, lines=lines)

        outcome = buy(session, right)
        refunded = return_all(session, right)

        assert (outcome.points, outcome.discount_fen) == (points, 2_000)
        assert (refunded.money_fen, balance_of(session, member_id)) == (max(0, sum(corrected) - 2_000), 20_000)


amounts = st.lists(st.one_of(st.integers(0, 30), st.integers(0, 30_000)), min_size=1, max_size=4)
worths = st.one_of(st.builds(CashOff, st.integers(1, 20_000)), st.builds(PercentOff, st.integers(1, 99)))
TO_THE_FEN = replace(ACCEPTING, points_step=1)


@settings(
    max_examples=size(reduced=15, full=1_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), fens=amounts, worth=st.lists(worths, min_size=1, max_size=2), share=st.integers(0, 50))
def test_refunds_of_any_basket_add_up_to_what_was_paid(
    session: Session, data: st.DataObject, fens: list[int], worth: list[CashOff | PercentOff], share: int
) -> None:
    with session.begin_nested() as example:
        save_policy(session, TO_THE_FEN)
        make_rule(session)
        member_id = make_member(session).id
        earn(session, member_id, 100_000)
        together = Stacking(is_exclusive=False)
        for one in worth:
            coupon_of(session, member_id, terms_of(worth=one, threshold_fen=0, stacking=together))
        purchase = make_purchase(member_id, *(line(number, amount_fen=fen) for number, fen in enumerate(fens, start=1)))
        best = validate(session, member_id=member_id, use=use_of(purchase.lines), zone=SHANGHAI).best
        coupon_ids = [one.coupon_id for one in best.discounts]
        points = min((sum(fens) - best.discount_fen) * share // 100, 10_000)
        if coupon_ids or points:
            reserve(session, member_id, *coupon_ids, points=points, use=use_of(purchase.lines))

        bought = buy(session, purchase, hold_reference="cart" if coupon_ids or points else None)
        told = in_parts(session, purchase, data)

        money_fen = sum(fens) - bought.discount_fen - bought.captured_fen
        assert (bought.discount_fen, bought.captured_points) == (best.discount_fen, points)
        assert bought.points == money_fen // 100
        assert all(one.money_fen >= 0 for one in told)
        assert sum(one.money_fen for one in told) == money_fen
        assert sum(one.points_returned for one in told) == points
        assert sum(one.points_taken_back for one in told) == bought.points
        assert [sorted(one.returned_coupon_ids) for one in told] == [[]] * (len(told) - 1) + [sorted(coupon_ids)]
        redemptions = find_of_order(session, order_id=bought.order_id)
        assert sum(fen for one in redemptions for _line_number, fen in one.shares) == bought.discount_fen
        assert balance_of(session, member_id) == 100_000
        example.rollback()


def in_parts(session: Session, purchase: Purchase, data: st.DataObject) -> list[RefundOutcome]:
    """Refund some of each line, twice, and then what is left."""
    left = {one.line_number: one.amount_fen for one in purchase.lines}
    told = []
    for _ in range(2):
        parts = {number: data.draw(st.integers(0, fen)) for number, fen in left.items()}
        lines = [RefundLine(number, 0, fen) for number, fen in parts.items() if fen]
        left = {number: fen - parts[number] for number, fen in left.items()}
        if lines:
            told.append(give_back(session, make_refund(purchase.order_number, *lines)))
    rest = [RefundLine(number, 1, fen) for number, fen in left.items()]
    return [*told, give_back(session, make_refund(purchase.order_number, *rest))]
