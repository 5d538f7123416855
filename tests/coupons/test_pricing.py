"""What coupons take off a basket, worked out by hand, and why others take off nothing."""

from datetime import date

import pytest

from loyalty.coupons.rules.money import taken_off
from loyalty.coupons.rules.pricing import COUPONS_MAX, Offer, Quote, best, price
from loyalty.coupons.rules.terms import CashOff, FixedPrice, Gift, PercentOff, Scope, Stacking, Windows, Worth
from loyalty.coupons.rules.unfit import Lacking, Unfit, explain
from loyalty.kernel.local_time import Hours, LocalTime
from loyalty.orders.sharing import parts_left
from tests.coupons.baskets import basket_of, line_of, offer_of, quote

TEA, CAKE = line_of(1, "tea", 1_500, 2, "drinks"), line_of(2, "cake", 3_000, 1, "food")
"""Two teas of ¥7.50, a cake of ¥30."""
BASKET = basket_of(TEA, CAKE)
ONLY_TEA = Scope(skus=frozenset({"tea"}))


class TestOneCoupon:
    @pytest.mark.parametrize(
        ("worth", "scope", "shares"),
        [
            (CashOff(900), Scope(), ((1, 300), (2, 600))),
            (CashOff(9_000), Scope(), ((1, 1_500), (2, 3_000))),
            (CashOff(1_000), ONLY_TEA, ((1, 1_000),)),
            (CashOff(1_000), Scope(categories=frozenset({"food"})), ((2, 1_000),)),
            (CashOff(1_000), Scope(excluded_skus=frozenset({"cake"})), ((1, 1_000),)),
            (PercentOff(15), Scope(), ((1, 225), (2, 450))),
            (PercentOff(15, 100), Scope(), ((1, 33), (2, 67))),
            (FixedPrice(990), Scope(), ((2, 2_010),)),
            (FixedPrice(700), ONLY_TEA, ((1, 50),)),
            (Gift("茶"), ONLY_TEA, ((1, 750),)),
            (Gift("袋子"), Scope(), ()),
        ],
    )
    def test_takes_off_to_the_fen(self, worth: Worth, scope: Scope, shares: tuple[tuple[int, int], ...]) -> None:
        (discount,) = price([offer_of(worth, scope=scope)], BASKET).discounts

        assert discount.shares == shares
        assert discount.discount_fen == sum(fen for _, fen in shares)

    def test_keeps_the_fen_that_is_not_whole_for_the_shop(self) -> None:
        assert quote(offer_of(PercentOff(50)), basket_of(line_of(1, "tea", 101))).discount_fen == 50

    def test_a_gift_is_handed_over_when_nobody_says_what_is_bought(self) -> None:
        pricing = price([offer_of(Gift("茶"), scope=ONLY_TEA)], basket_of())

        assert [(one.discount_fen, one.shares) for one in pricing.discounts] == [(0, ())]

    def test_a_gift_that_the_till_already_sells_for_nothing_is_used(self) -> None:
        pricing = price([offer_of(Gift("茶"), scope=ONLY_TEA)], basket_of(line_of(1, "tea", 0)))

        assert len(pricing.discounts) == 1

    @pytest.mark.parametrize(
        ("offer", "reason", "lacking", "words"),
        [
            (offer_of(CashOff(1), scope=Scope(included_nodes=frozenset({22}))), Unfit.STORE, {}, "不适用于当前门店"),
            (offer_of(CashOff(1), scope=Scope(excluded_nodes=frozenset({10}))), Unfit.STORE, {}, "不适用于当前门店"),
            (
                offer_of(CashOff(1), scope=Scope(channels=frozenset({"app"}))),
                Unfit.CHANNEL,
                {"channels": ["app"]},
                "本券仅限 app 渠道使用",
            ),
            (
                offer_of(CashOff(1), windows=Windows(weekdays=frozenset({1, 3, 4, 5}))),
                Unfit.WEEKDAY,
                {"weekdays": [1, 3, 4, 5]},
                "本券仅限 周一、周三至周五 使用",
            ),
            (
                offer_of(CashOff(1), windows=Windows(hours=(Hours(660, 840),))),
                Unfit.HOURS,
                {"hours": [[660, 840]]},
                "本券仅限 11:00–14:00 使用",
            ),
            (offer_of(CashOff(1), scope=Scope(skus=frozenset({"pie"}))), Unfit.PRODUCT, {}, "没有本券适用的商品"),
            (offer_of(CashOff(1), threshold_fen=5_700), Unfit.THRESHOLD, {"amount_fen": 1_200}, "再买 ¥12.00 可用"),
            (
                offer_of(CashOff(1), threshold_fen=1_501, scope=ONLY_TEA),
                Unfit.THRESHOLD,
                {"amount_fen": 1},
                "再买 ¥0.01 可用",
            ),
            (
                offer_of(FixedPrice(750), scope=ONLY_TEA),
                Unfit.NOTHING_TO_DISCOUNT,
                {},
                "本券适用的商品已没有可优惠的金额",
            ),
        ],
    )
    def test_that_does_not_pay_says_why(self, offer: Offer, reason: Unfit, lacking: Lacking, words: str) -> None:
        assert quote(offer, BASKET) == Quote(0, reason, lacking)
        assert words in explain(reason, lacking)

    def test_meets_its_threshold_to_the_fen(self) -> None:
        assert quote(offer_of(CashOff(1), threshold_fen=4_500), BASKET).reason is None

    def test_takes_nothing_off_what_costs_nothing(self) -> None:
        free = basket_of(line_of(1, "tea", 0))

        reasons = {quote(offer_of(worth), free).reason for worth in (CashOff(5), PercentOff(50))}
        assert reasons == {Unfit.NOTHING_TO_DISCOUNT}

    def test_pays_after_midnight_in_hours_of_the_day_before(self) -> None:
        late = offer_of(CashOff(1), windows=Windows(weekdays=frozenset({5}), hours=(Hours(22 * 60, 120),)))

        reasons = [
            quote(late, basket_of(TEA, local=LocalTime(date(2026, 3, day), minute))).reason
            for day, minute in [(13, 1_320), (14, 119), (14, 120), (13, 119), (14, 1_320)]
        ]
        assert reasons == [None, None, Unfit.WEEKDAY, Unfit.WEEKDAY, Unfit.WEEKDAY]


class TestSeveralCoupons:
    def test_are_applied_as_gift_then_percentage_then_cash(self) -> None:
        offers = [
            offer_of(CashOff(1_000), coupon_id=1),
            offer_of(PercentOff(50), coupon_id=2),
            offer_of(Gift("茶"), coupon_id=3, scope=ONLY_TEA),
        ]

        pricing = price(offers, BASKET)

        figures = [(one.coupon_id, one.discount_fen, one.shares) for one in pricing.discounts]
        assert figures == [
            (3, 750, ((1, 750),)),
            (2, 1_875, ((1, 375), (2, 1_500))),
            (1, 1_000, ((1, 200), (2, 800))),
        ]

    def test_look_for_their_threshold_at_the_goods_before_any_coupon(self) -> None:
        offers = [offer_of(CashOff(4_000), coupon_id=1), offer_of(CashOff(100), coupon_id=2, threshold_fen=4_500)]

        assert price(offers, BASKET).discount_fen == 4_100

    def test_leave_what_holds_for_less_the_first_place(self) -> None:
        offers = [offer_of(CashOff(1_500), coupon_id=1), offer_of(CashOff(1_500), coupon_id=2, scope=ONLY_TEA)]

        pricing = price(offers, BASKET)

        assert [one.shares for one in pricing.discounts] == [((1, 1_500),), ((2, 1_500),)]

    def test_of_gifts_each_take_a_piece_until_none_is_left(self) -> None:
        three = basket_of(line_of(1, "tea", 1_000, 3))
        gifts = [offer_of(Gift("茶"), coupon_id=number, scope=ONLY_TEA) for number in range(1, 5)]

        pricing = price(gifts, three)

        assert [one.discount_fen for one in pricing.discounts] == [333, 333, 334]
        assert pricing.refused == {4: (Unfit.NOTHING_TO_DISCOUNT, {})}

    def test_are_not_used_up_when_others_leave_nothing(self) -> None:
        offers = [offer_of(CashOff(9_000), coupon_id=1), offer_of(CashOff(9_000), coupon_id=2)]

        pricing = price(offers, BASKET)

        assert [one.coupon_id for one in pricing.discounts] == [1]
        assert pricing.refused == {2: (Unfit.NOTHING_TO_DISCOUNT, {})}

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (Stacking(), Stacking(is_exclusive=False)),
            (Stacking(is_exclusive=False), Stacking()),
            (Stacking(is_exclusive=False, group="甲"), Stacking(is_exclusive=False, group="甲")),
        ],
    )
    def test_that_do_not_go_together_leave_it_to_the_first(self, first: Stacking, second: Stacking) -> None:
        offers = [
            offer_of(CashOff(100), coupon_id=1, stacking=first),
            offer_of(CashOff(200), coupon_id=2, stacking=second),
        ]

        pricing = price(offers, BASKET)

        assert pricing.discount_fen == 100
        assert pricing.refused == {2: (Unfit.STACKING, {"with_coupon_id": 1})}

    def test_of_other_groups_go_together(self) -> None:
        offers = [
            offer_of(CashOff(100), coupon_id=number, stacking=Stacking(is_exclusive=False, group=group))
            for number, group in enumerate(["甲", "乙", None, None], start=1)
        ]

        assert price(offers, BASKET).discount_fen == 400

    def test_an_exclusive_one_that_would_not_pay_stands_in_nobodys_way(self) -> None:
        offers = [
            offer_of(CashOff(100), coupon_id=1, stacking=Stacking(), threshold_fen=9_000),
            offer_of(CashOff(200), coupon_id=2),
        ]

        assert price(offers, BASKET).discount_fen == 200

    def test_given_twice_is_one_coupon(self) -> None:
        offer = offer_of(CashOff(100))

        assert price([offer, offer], BASKET).discount_fen == 100

    def test_are_so_many_at_most(self) -> None:
        offers = [offer_of(CashOff(100), coupon_id=number) for number in range(1, COUPONS_MAX + 2)]

        pricing = price(offers, BASKET)

        assert pricing.refused == {COUPONS_MAX + 1: (Unfit.TOO_MANY, {"most": COUPONS_MAX})}
        assert explain(Unfit.TOO_MANY, {"most": 10}) == "一笔订单最多使用 10 张优惠券"
        assert len(best(offers, BASKET)) == COUPONS_MAX

    def test_are_returned_as_one_part_of_their_line(self) -> None:
        lines = (line_of(1, "tea", 3),)
        offers = [offer_of(CashOff(1), coupon_id=1), offer_of(CashOff(1), coupon_id=2)]

        off = taken_off(price(offers, basket_of(*lines)).discounts)

        assert off == {1: 2}
        assert [parts_left(lines, (line_of(1, "tea", left),), off) for left in (3, 2, 1, 0)] == [
            {1: 2},
            {1: 1},
            {1: 0},
            {1: 0},
        ]


class TestBest:
    def test_is_an_exclusive_coupon_that_saves_more_than_all_others_together(self) -> None:
        offers = [
            offer_of(CashOff(100), coupon_id=1),
            offer_of(CashOff(200), coupon_id=2),
            offer_of(CashOff(301), coupon_id=3, stacking=Stacking()),
        ]

        assert best(offers, BASKET) == (3,)
        assert best(offers[:2], BASKET) == (1, 2)

    def test_of_equal_coupons_is_the_one_that_lapses_first(self) -> None:
        offers = [
            offer_of(CashOff(9_000), coupon_id=1, days=9),
            offer_of(CashOff(9_000), coupon_id=2, days=3),
            offer_of(PercentOff(99), coupon_id=3, days=1, stacking=Stacking()),
        ]

        assert best(offers, BASKET) == (2,)

    def test_of_a_group_with_the_same_terms_is_the_one_that_lapses_first(self) -> None:
        group = Stacking(is_exclusive=False, group="甲")
        offers = [offer_of(CashOff(100), coupon_id=number, days=9 - number, stacking=group) for number in (1, 2, 3)]

        assert best(offers, BASKET) == (3,)

    def test_counts_on_a_gift_that_saves_nothing_by_itself(self) -> None:
        pieces = basket_of(line_of(1, "tea", 1, 2))
        offers = [offer_of(Gift("茶"), coupon_id=number, scope=ONLY_TEA) for number in (1, 2)]

        assert [quote(offer, pieces).discount_fen for offer in offers] == [0, 0]
        assert best(offers, pieces) == (1, 2)

    def test_leaves_out_what_would_take_the_place_of_something_better(self) -> None:
        offers = [
            offer_of(FixedPrice(2_999), coupon_id=1, scope=Scope(skus=frozenset({"cake"}))),
            offer_of(Gift("任选"), coupon_id=2, scope=Scope(skus=frozenset({"cake", "tea"}))),
        ]

        assert best(offers, BASKET) == (2,)

    def test_is_nothing_when_nothing_pays_or_saves(self) -> None:
        assert best([offer_of(CashOff(1), threshold_fen=5_000), offer_of(Gift("袋子"), coupon_id=2)], BASKET) == ()

    def test_is_found_step_by_step_among_hundreds(self) -> None:
        together = [offer_of(CashOff(100 + number), coupon_id=number) for number in range(1, 300)]
        alone = offer_of(CashOff(3_000), coupon_id=999, stacking=Stacking())

        assert best([*together, alone], BASKET) == tuple(range(290, 300))
