"""Terms as their owner reads them: what a coupon is worth in a few characters, and nothing left out below."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from loyalty.coupons.rules.sentences import claim_window, details, headline
from loyalty.coupons.rules.terms import (
    CashOff,
    Claiming,
    DaysFromIssue,
    FixedPrice,
    Gift,
    PercentOff,
    Scope,
    Stacking,
    Terms,
    Worth,
)
from loyalty.coupons.rules.words import Names
from tests.coupons.samples import FREE_TEA, FULL, PLAIN


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
            "限指定会员领取",
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

    def test_name_tags_to_staff_alone(self) -> None:
        lines = {True: set(details(FULL, Names(tags={7: "新客"}), is_for_staff=True)), False: set(details(FULL))}

        assert lines[True] - lines[False] == {
            "限有 新客、标签 8 标签之一的会员领取（会员看到：限指定会员领取）",
        }
        assert lines[False] - lines[True] == {"限指定会员领取"}

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
