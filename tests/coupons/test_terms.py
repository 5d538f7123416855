"""Terms: kept and read back exactly, refused where no coupon could do what they say, and told in Chinese."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.coupons.rules.checking import check_terms
from loyalty.coupons.rules.documents import from_json, to_json
from loyalty.coupons.rules.errors import InvalidCouponTerms
from loyalty.coupons.rules.samples import pays_on_sample
from loyalty.coupons.rules.sentences import claim_window, details, headline
from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    Claiming,
    DaysFromIssue,
    Eligibility,
    FixedDates,
    FixedPrice,
    Gift,
    MemberLimits,
    PercentOff,
    RefundPolicy,
    Scope,
    Stacking,
    Stock,
    Terms,
    Windows,
    Worth,
)
from loyalty.coupons.rules.words import Names
from loyalty.kernel.local_time import Hours

PLAIN = Terms(title="新人券", worth=CashOff(2_000), validity=DaysFromIssue(7), threshold_fen=10_000)
FULL = Terms(
    title="午市饮品券",
    worth=PercentOff(15, 5_005),
    validity=FixedDates(date(2026, 3, 1), date(2026, 3, 31)),
    threshold_fen=10_050,
    scope=Scope(
        included_nodes=frozenset({10}),
        excluded_nodes=frozenset({21}),
        channels=frozenset({"小程序"}),
        skus=frozenset({"拿铁", "美式"}),
        categories=frozenset({"茶饮"}),
        excluded_skus=frozenset({"特调"}),
        excluded_categories=frozenset({"酒"}),
    ),
    windows=Windows(weekdays=frozenset({1, 2, 3, 4, 5}), hours=(Hours(660, 840), Hours(1_320, 60))),
    stock=Stock(per_day=1_000, per_store=50),
    member_limits=MemberLimits(total=3, per_day=1),
    eligibility=Eligibility(tier_levels=frozenset({3}), tags=frozenset({7, 8})),
    claiming=Claiming(
        is_in_centre=True,
        opens_at=datetime(2026, 3, 1, 2, 0, tzinfo=UTC),
        closes_at=datetime(2026, 3, 20, 15, 59, tzinfo=UTC),
        points_price=1_200,
    ),
    stacking=Stacking(is_exclusive=False, group="饮品"),
    bonus=(BonusStep(3, 100), BonusStep(7, 50)),
    refund=RefundPolicy.FORFEIT,
    refund_grace_days=0,
    reminder_days=None,
    description="不可兑换现金",
    picture="0123456789abcdef",
)
FREE_TEA = replace(PLAIN, worth=Gift("茶一杯"), threshold_fen=0)


def with_part(terms: Terms, part: str, **changes: Any) -> Terms:
    changed: Any = {part: replace(getattr(terms, part), **changes)}
    return replace(terms, **changed)


def problems_of(terms: Terms) -> set[str]:
    try:
        check_terms(terms)
    except InvalidCouponTerms as error:
        return {problem.field for problem in error.problems}
    return set()


class TestDocuments:
    @pytest.mark.parametrize("terms", [PLAIN, FULL, FREE_TEA, with_part(PLAIN, "member_limits", total=None)])
    def test_are_read_back_exactly(self, terms: Terms) -> None:
        assert from_json(to_json(terms)) == terms

    def test_hold_only_what_differs_from_the_empty_template(self) -> None:
        assert to_json(PLAIN) == {
            "title": "新人券",
            "worth": {"kind": "cash_off", "amount_fen": 2_000},
            "validity": {"kind": "days_from_issue", "days": 7},
            "threshold_fen": 10_000,
        }

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"surprise": 1}, "terms.surprise"),
            ({"title": None}, "terms.title"),
            ({"title": 5}, "terms.title"),
            ({"worth": {"kind": "miracle"}}, "terms.worth.kind"),
            ({"worth": "cash_off"}, "terms.worth.kind"),
            ({"worth": {"kind": "cash_off"}}, "terms.worth.amount_fen"),
            ({"worth": {"kind": "cash_off", "amount_fen": 1.5}}, "terms.worth.amount_fen"),
            ({"worth": {"kind": "cash_off", "amount_fen": True}}, "terms.worth.amount_fen"),
            ({"worth": {"kind": "gift", "name": "茶", "price": 1}}, "terms.worth.price"),
            (
                {"validity": {"kind": "fixed_dates", "first_on": "2026-02-30", "last_on": "x"}},
                "terms.validity.first_on",
            ),
            ({"scope": {"skus": "A1"}}, "terms.scope.skus"),
            ({"scope": {"skus": [1]}}, "terms.scope.skus"),
            ({"scope": []}, "terms.scope"),
            ({"windows": {"hours": [[1, 2, 3]]}}, "terms.windows.hours"),
            ({"claiming": {"opens_at": "2026-03-01T10:00:00"}}, "terms.claiming.opens_at"),
            ({"claiming": {"opens_at": "soon"}}, "terms.claiming.opens_at"),
            ({"claiming": {"is_in_centre": 1}}, "terms.claiming.is_in_centre"),
            ({"refund": "maybe"}, "terms.refund"),
            ({"refund": []}, "terms.refund"),
            ({"bonus": {"3": 100}}, "terms.bonus"),
        ],
    )
    def test_that_say_something_else_are_refused_by_name(self, changes: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidCouponTerms) as refused:
            from_json(to_json(PLAIN) | changes)

        assert [problem.field for problem in refused.value.problems] == [field]

    @pytest.mark.parametrize("document", [None, [], "terms", {}, {"title": "券"}])
    def test_that_are_none_are_refused(self, document: object) -> None:
        with pytest.raises(InvalidCouponTerms):
            from_json(document)


class TestChecking:
    @pytest.mark.parametrize("terms", [PLAIN, FULL, FREE_TEA])
    def test_lets_pass_what_can_be_used(self, terms: Terms) -> None:
        assert problems_of(terms) == set()

    @pytest.mark.parametrize(
        ("terms", "fields"),
        [
            (replace(PLAIN, title=""), {"title"}),
            (replace(PLAIN, title="长" * 21), {"title"}),
            (replace(PLAIN, title=" 券"), {"title"}),
            (replace(PLAIN, title="券\0"), {"title"}),
            (replace(PLAIN, description="\ud800"), {"description"}),
            (replace(PLAIN, description="长" * 1_001), {"description"}),
            (replace(PLAIN, picture="../../etc"), {"picture"}),
            (replace(PLAIN, threshold_fen=-1), {"threshold_fen"}),
            (replace(PLAIN, threshold_fen=10**11), {"threshold_fen"}),
            (replace(PLAIN, worth=CashOff(0)), {"amount_fen"}),
            (replace(PLAIN, worth=CashOff(10_001)), {"amount_fen"}),
            (replace(PLAIN, worth=PercentOff(0)), {"percent"}),
            (replace(PLAIN, worth=PercentOff(100)), {"percent"}),
            (replace(PLAIN, worth=PercentOff(10, 0)), {"ceiling_fen"}),
            (replace(PLAIN, worth=FixedPrice(990)), {"skus"}),
            (replace(PLAIN, worth=FixedPrice(0), scope=Scope(skus=frozenset({"A"}))), {"price_fen"}),
            (replace(PLAIN, worth=Gift("")), {"gift_name"}),
            (with_part(PLAIN, "scope", skus=frozenset({"A,B"})), {"skus"}),
            (with_part(PLAIN, "scope", skus=frozenset({"A"}), excluded_skus=frozenset({"A"})), {"excluded_skus"}),
            (with_part(PLAIN, "scope", included_nodes=frozenset({0})), {"included_nodes"}),
            (with_part(PLAIN, "scope", channels=frozenset(map(str, range(501)))), {"channels"}),
            (replace(PLAIN, validity=FixedDates(date(2026, 3, 2), date(2026, 3, 1))), {"last_on"}),
            (replace(PLAIN, validity=FixedDates(date(2026, 3, 2), date(2200, 1, 1))), {"last_on"}),
            (replace(PLAIN, validity=DaysFromIssue(0)), {"days"}),
            (replace(PLAIN, validity=DaysFromIssue(10**9)), {"days"}),
            (replace(PLAIN, validity=DaysFromIssue(1, -1)), {"delay_days"}),
            (with_part(PLAIN, "windows", weekdays=frozenset({8})), {"weekdays"}),
            (with_part(PLAIN, "windows", hours=(Hours(60, 60),)), {"hours"}),
            (with_part(PLAIN, "windows", hours=(Hours(0, 1_441),)), {"hours"}),
            (with_part(PLAIN, "stock", per_day=0), {"stock_per_day"}),
            (with_part(PLAIN, "stock", per_store=0), {"stock_per_store"}),
            (with_part(PLAIN, "member_limits", total=0), {"member_total"}),
            (with_part(PLAIN, "member_limits", per_day=2), {"member_per_day"}),
            (with_part(PLAIN, "eligibility", tier_levels=frozenset({21})), {"tier_levels"}),
            (with_part(PLAIN, "eligibility", tags=frozenset({0})), {"tags"}),
            (with_part(PLAIN, "claiming", points_price=-1), {"points_price"}),
            (with_part(FULL, "claiming", closes_at=datetime(2026, 3, 1, 2, 0, tzinfo=UTC)), {"closes_at"}),
            (with_part(PLAIN, "stacking", group="甲"), {"group"}),
            (replace(PLAIN, bonus=(BonusStep(3, 100), BonusStep(3, 50))), {"bonus"}),
            (replace(PLAIN, bonus=(BonusStep(1, 100), BonusStep(3, 100))), {"bonus"}),
            (replace(PLAIN, bonus=(BonusStep(8, 100),)), {"bonus"}),
            (replace(PLAIN, bonus=(BonusStep(1, 0),)), {"bonus"}),
            (replace(PLAIN, bonus=tuple(BonusStep(day, 10 - day) for day in range(1, 7))), {"bonus"}),
            (with_part(PLAIN, "windows", hours=tuple(Hours(start, 60) for start in range(11))), {"hours"}),
            (with_part(FULL, "stacking", group="甲，乙"), {"group"}),
            (replace(PLAIN, refund_grace_days=-1), {"refund_grace_days"}),
            (replace(PLAIN, reminder_days=0), {"reminder_days"}),
            (replace(PLAIN, title="", worth=CashOff(0)), {"title", "amount_fen"}),
        ],
    )
    def test_names_everything_that_is_wrong(self, terms: Terms, fields: set[str]) -> None:
        assert problems_of(terms) == fields

    @pytest.mark.parametrize(
        ("validity", "weekdays", "fields"),
        [
            (DaysFromIssue(6), {1}, {"weekdays"}),
            (DaysFromIssue(7), {1}, set()),
            (DaysFromIssue(5), {1, 4}, set()),
            (DaysFromIssue(3), {1, 4}, {"weekdays"}),
            (FixedDates(date(2026, 3, 9), date(2026, 3, 13)), {6, 7}, {"weekdays"}),
            (FixedDates(date(2026, 3, 9), date(2026, 3, 14)), {6, 7}, set()),
        ],
    )
    def test_refuses_coupons_of_which_some_could_never_be_used(
        self, validity: Any, weekdays: set[int], fields: set[str]
    ) -> None:
        assert problems_of(replace(PLAIN, validity=validity, windows=Windows(weekdays=frozenset(weekdays)))) == fields

    @pytest.mark.parametrize(
        ("name", "moment", "fields"),
        [
            ("opens_at", datetime(2026, 4, 1, 12, 0, tzinfo=UTC), {"opens_at"}),
            ("closes_at", datetime(2026, 4, 1, 12, 1, tzinfo=UTC), {"closes_at"}),
            ("closes_at", datetime(2026, 3, 31, 15, 59, tzinfo=UTC), set()),
        ],
    )
    def test_refuses_claims_of_what_has_lapsed(self, name: str, moment: datetime, fields: set[str]) -> None:
        claiming: Any = {"opens_at": None, "closes_at": None} | {name: moment}

        assert problems_of(with_part(FULL, "claiming", **claiming)) == fields

    @pytest.mark.parametrize(
        "terms",
        [
            replace(PLAIN, title="关注公众号即送"),
            replace(PLAIN, description="转发朋友圈后可领取一张"),
            replace(PLAIN, description="使用前请先关注"),
            replace(FREE_TEA, worth=Gift("分享好友得茶一杯")),
            with_part(PLAIN, "stacking", is_exclusive=False, group="shared"),
        ],
    )
    def test_refuses_to_pay_for_following_or_sharing(self, terms: Terms) -> None:
        with pytest.raises(ValueForFollowingOrSharing):
            check_terms(terms)

    def test_lets_a_family_pack_be_given(self) -> None:
        assert problems_of(replace(FREE_TEA, worth=Gift("分享装薯片"), description="分享装满 50 元赠送")) == set()

    worths = st.one_of(
        st.builds(CashOff, st.integers(-1, 300)),
        st.builds(PercentOff, st.integers(-1, 101), st.one_of(st.none(), st.integers(0, 300))),
        st.builds(FixedPrice, st.integers(0, 300)),
        st.just(Gift("茶")),
    )
    days = st.integers(1, 28).map(lambda day: date(2026, 2, day))
    codes = st.frozensets(st.sampled_from(["A", "B"]), max_size=2)

    @given(
        worth=worths,
        validity=st.one_of(
            st.builds(DaysFromIssue, st.integers(0, 9), st.integers(0, 2)), st.builds(FixedDates, days, days)
        ),
        threshold_fen=st.integers(0, 300),
        scope=st.builds(Scope, skus=codes, categories=codes, excluded_skus=codes, excluded_categories=codes),
        windows=st.builds(
            Windows,
            weekdays=st.frozensets(st.integers(1, 7), max_size=3),
            hours=st.lists(st.builds(Hours, st.integers(0, 1_439), st.integers(0, 1_440)), max_size=2).map(tuple),
        ),
    )
    def test_whatever_passes_pays_for_some_basket_and_is_told_in_words(
        self, worth: Worth, validity: Any, threshold_fen: int, scope: Scope, windows: Windows
    ) -> None:
        terms = Terms(
            title="券", worth=worth, validity=validity, threshold_fen=threshold_fen, scope=scope, windows=windows
        )
        assert from_json(to_json(terms)) == terms

        if not problems_of(terms):
            assert pays_on_sample(terms)
            assert headline(terms)
            assert all(details(terms))


class TestSentences:
    @pytest.mark.parametrize(
        ("worth", "threshold_fen", "words"),
        [
            (CashOff(2_000), 10_000, "满 100 减 20"),
            (CashOff(2_005), 9_990, "满 99.9 减 20.05"),
            (CashOff(123_400), 0, "立减 1,234 元"),
            (PercentOff(15, 5_000), 0, "8.5 折 最高减 50 元"),
            (PercentOff(20), 10_000, "满 100 打 8 折"),
            (PercentOff(99), 0, "0.1 折"),
            (FixedPrice(990), 0, "9.9 元特价"),
            (Gift("美式咖啡一杯"), 0, "免费 美式咖啡一杯"),
            (Gift("茶"), 5_000, "满 50 免费 茶"),
        ],
    )
    def test_say_what_a_coupon_is_worth(self, worth: Worth, threshold_fen: int, words: str) -> None:
        assert headline(replace(PLAIN, worth=worth, threshold_fen=threshold_fen)) == words

    def test_leave_nothing_of_the_terms_out(self) -> None:
        names = Names(nodes={10: "华东", 21: "人民广场店"}, tiers={3: "金卡"}, tags={7: "新客"})

        assert details(FULL, names) == (
            "满 ¥100.50 打 8.5 折，最高减 ¥50.05",
            "门槛按适用商品优惠前的金额计算",
            "适用商品 拿铁、美式，或品类 茶饮",
            "商品 特调，品类 酒 除外",
            "限 华东 使用",
            "人民广场店 除外",
            "限 小程序 渠道使用",
            "2026-03-01 至 2026-03-31 有效",
            "限 周一至周五 11:00–14:00、22:00–次日 01:00 使用",
            "限 金卡 领取",
            "限有 新客、标签 8 标签之一的会员领取",
            "每人限领 3 张",
            "每人每天限领 1 张",
            "每天限量 1,000 张",
            "每店限量 50 张",
            "1,200 积分兑换",
            "可与其他可叠加的优惠券同时使用，「饮品」类每单限用一张",
            "可用后 3 天内使用额外赠 100 积分",
            "可用后 7 天内使用额外赠 50 积分",
            "整单退款后不退回本券",
        )

    def test_are_short_for_a_plain_coupon(self) -> None:
        assert details(PLAIN) == (
            "满 ¥100.00 减 ¥20.00",
            "门槛按适用商品优惠前的金额计算",
            "全部商品可用",
            "全部门店可用",
            "领取当日起 7 天内有效",
            "每人限领 1 张",
            "不与其他优惠券同时使用",
            "整单退款后退回本券，已过有效期的自退回当日起 7 天内可用",
        )

    @pytest.mark.parametrize(
        ("terms", "line"),
        [
            (replace(PLAIN, validity=DaysFromIssue(3, 1)), "领取次日起 3 天内有效"),
            (replace(PLAIN, validity=DaysFromIssue(3, 2)), "领取后第 2 天起 3 天内有效"),
            (replace(PLAIN, refund_grace_days=0), "整单退款后退回本券，已过有效期的不退"),
            (replace(PLAIN, stacking=Stacking(is_exclusive=False)), "可与其他可叠加的优惠券同时使用"),
            (FREE_TEA, "无门槛，免费获得 茶一杯，由店员交付"),
            (
                replace(FREE_TEA, scope=Scope(skus=frozenset({"茶"}))),
                "无门槛，免费获得 茶一杯：适用商品中最贵的一件免费",
            ),
            (
                replace(PLAIN, worth=FixedPrice(990), scope=Scope(skus=frozenset({"茶"}))),
                "满 ¥100.00 适用商品中最贵的一件只需 ¥9.90",
            ),
        ],
    )
    def test_say_each_way_of_it(self, terms: Terms, line: str) -> None:
        assert line in details(terms)

    def test_say_when_it_can_be_claimed(self) -> None:
        shanghai = ZoneInfo("Asia/Shanghai")

        assert claim_window(FULL.claiming, shanghai) == "2026-03-01 10:00 起，2026-03-20 23:59 截止"
        assert claim_window(Claiming(), shanghai) == ""
