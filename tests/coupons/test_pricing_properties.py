"""What holds whatever the coupons, the basket and the refunds: not a fen is made or lost."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.coupons.rules.basket import Basket
from loyalty.coupons.rules.money import taken_off
from loyalty.coupons.rules.pricing import Offer, best, go_together, price
from loyalty.orders.rules import Line, amount_of
from loyalty.orders.sharing import money_left, parts_left, shares_of
from tests.coupons.baskets import baskets, compatible_sets, offers, order_lines, quote

wholes = st.integers(0, 50_000)


class TestPrice:
    @given(offers=offers(6), basket=baskets)
    def test_shares_add_up_to_the_discount_and_leave_no_line_below_zero(
        self, offers: list[Offer], basket: Basket
    ) -> None:
        pricing = price(offers, basket)

        assert all(one.discount_fen == sum(fen for _, fen in one.shares) for one in pricing.discounts)
        assert all(fen > 0 for one in pricing.discounts for _, fen in one.shares)
        off = taken_off(pricing.discounts)
        assert all(0 <= off.get(line.line_number, 0) <= line.amount_fen for line in basket.lines)
        assert sum(off.values()) == pricing.discount_fen

    @given(offers=offers(6), basket=baskets)
    def test_every_coupon_either_pays_or_is_told_why_not(self, offers: list[Offer], basket: Basket) -> None:
        pricing = price(offers, basket)

        paying = {one.coupon_id for one in pricing.discounts}
        assert paying | pricing.refused.keys() == {one.coupon_id for one in offers}
        assert not paying & pricing.refused.keys()

    @given(offers=offers(6), basket=baskets)
    def test_only_coupons_that_go_together_pay(self, offers: list[Offer], basket: Basket) -> None:
        pricing = price(offers, basket)
        terms = {one.coupon_id: one.terms for one in offers}
        paying = [terms[one.coupon_id] for one in pricing.discounts]

        assert all(go_together(one, other) for place, one in enumerate(paying) for other in paying[place + 1 :])

    @given(offers=offers(1), basket=baskets)
    def test_a_coupon_by_itself_takes_off_what_its_quote_says(self, offers: list[Offer], basket: Basket) -> None:
        for offer in offers:
            quoted = quote(offer, basket)
            pricing = price([offer], basket)

            assert quoted.discount_fen == pricing.discount_fen
            assert (quoted.reason is None) == (not pricing.refused)


class TestBest:
    @given(offers=offers(6), basket=baskets)
    @settings(max_examples=150)
    def test_no_other_set_that_goes_together_saves_more_or_as_much_with_fewer(
        self, offers: list[Offer], basket: Basket
    ) -> None:
        by_id = {offer.coupon_id: offer for offer in offers}

        chosen = [by_id[coupon_id] for coupon_id in best(offers, basket)]

        savings = {len(some): 0 for some in compatible_sets(offers)}
        for some in compatible_sets(offers):
            savings[len(some)] = max(savings[len(some)], price(some, basket).discount_fen)
        saved = price(chosen, basket)
        assert not saved.refused
        assert saved.discount_fen == max(savings.values())
        assert len(chosen) == min(count for count, fen in savings.items() if fen == saved.discount_fen)


@st.composite
def refunds(draw: st.DrawFn, lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    """Return what is left of an order after each of some refunds; nothing in the end."""
    left, steps = tuple(lines), []
    for _ in range(draw(st.integers(0, 4))):
        left = tuple(
            replace(
                line, amount_fen=draw(st.integers(0, line.amount_fen)), quantity=draw(st.integers(0, line.quantity))
            )
            for line in left
        )
        steps.append(left)
    return [*steps, tuple(replace(line, amount_fen=0, quantity=0) for line in left)]


class TestRefunds:
    @given(data=st.data(), offers=offers(5), basket=baskets)
    def test_parts_sum_to_the_whole_and_nothing_is_left_in_the_end(
        self, data: st.DataObject, offers: list[Offer], basket: Basket
    ) -> None:
        pricing = price(offers, basket)
        off, lines = taken_off(pricing.discounts), basket.lines
        paid = before = amount_of(money_left(lines, lines, off))
        assert paid == amount_of(lines) - pricing.discount_fen

        returned = []
        for left in data.draw(refunds(lines)):
            money = money_left(lines, left, off)
            assert all(line.amount_fen >= 0 for line in money)
            returned.append(before - amount_of(money))
            before = amount_of(money)
            still_off = parts_left(lines, left, off)
            assert all(0 <= fen <= off.get(line_number, 0) for line_number, fen in still_off.items())
            assert sum(still_off.values()) == amount_of(left) - amount_of(money)

        assert all(fen >= 0 for fen in returned)
        assert sum(returned) == paid
        assert before == 0
        assert sum(parts_left(lines, lines, off).values()) == pricing.discount_fen

    @given(data=st.data(), offers=offers(3), basket=baskets)
    def test_points_that_pay_for_what_coupons_left_add_up_as_well(
        self, data: st.DataObject, offers: list[Offer], basket: Basket
    ) -> None:
        lines = basket.lines
        off = taken_off(price(offers, basket).discounts)
        net = money_left(lines, lines, off)
        points_fen = data.draw(st.integers(0, amount_of(net)))
        parts = {
            line.line_number: fen
            for line, fen in zip(net, shares_of(points_fen, [line.amount_fen for line in net]), strict=True)
        }

        paid = before = amount_of(money_left(net, net, parts))
        assert paid == amount_of(lines) - sum(off.values()) - points_fen
        for left in data.draw(refunds(lines)):
            money = money_left(net, money_left(lines, left, off), parts)
            assert all(line.amount_fen >= 0 for line in money)
            assert amount_of(money) <= before
            before = amount_of(money)
        assert before == 0


class TestShares:
    @given(whole=wholes, weights=st.lists(wholes, max_size=8))
    def test_add_up_to_the_whole_unless_there_is_no_weight(self, whole: int, weights: list[int]) -> None:
        shares = shares_of(whole, weights)

        assert sum(shares) == (whole if sum(weights) else 0)
        assert all(share >= 0 for share in shares)
        assert all(not share for share, weight in zip(shares, weights, strict=True) if not weight)

    @given(data=st.data(), weights=st.lists(wholes, max_size=8))
    def test_exceed_no_weight_when_the_whole_does_not_exceed_all(self, data: st.DataObject, weights: list[int]) -> None:
        shares = shares_of(data.draw(st.integers(0, sum(weights))), weights)

        assert all(share <= weight for share, weight in zip(shares, weights, strict=True))

    @given(lines=order_lines)
    def test_a_line_without_a_part_bears_nothing(self, lines: tuple[Line, ...]) -> None:
        assert set(parts_left(lines, lines, {}).values()) == {0}
