"""The form of coupon templates: what stands in its fields, and what is said of a field that cannot be read."""

from datetime import UTC, date, datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty.coupons.rules.checking import check_terms
from loyalty.coupons.rules.errors import InvalidCouponTerms
from loyalty.coupons.rules.starts import STARTS
from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    Claiming,
    DaysFromIssue,
    FixedDates,
    FixedPrice,
    Gift,
    MemberLimits,
    PercentOff,
    Scope,
    Stacking,
    Terms,
)
from loyalty.kernel.errors import InvalidInput
from portal.console.coupon_template_fields import LABELS, read_off
from portal.console.coupon_template_form import form_of, template_of
from tests.coupons.samples import FULL
from tests.factories.coupons import terms_of
from tests.support.bad_input import TEXTS

SHANGHAI = ZoneInfo("Asia/Shanghai")
FILLED: dict[str, Any] = {
    "title": "满百减二十",
    "worth": "cash_off",
    "amount_fen": "20",
    "threshold_fen": "100",
    "validity": "relative",
    "days": "30",
    "delay_days": "0",
    "member_total": "1",
    "stacking": "exclusive",
    "refund": "return",
    "refund_grace_days": "7",
    "reminder_days": "3",
    "stock": "500",
    "is_in_centre": "yes",
}
WORTHS: list[dict[str, Any]] = [
    {"worth": CashOff(9_05), "threshold_fen": 10_00},
    {"worth": PercentOff(5)},
    {"worth": PercentOff(90, 1)},
    {"worth": FixedPrice(990), "scope": Scope(skus=frozenset({"A1"}))},
    {"worth": Gift("美式一杯")},
    {"validity": DaysFromIssue(7, 2), "member_limits": MemberLimits(total=None)},
    {"validity": FixedDates(date(2026, 3, 1), date(2026, 3, 1)), "stacking": Stacking(is_exclusive=False)},
    {"bonus": tuple(BonusStep(days, 60 - days) for days in range(1, 6))},
    {"reminder_days": None, "description": "第一行\n第二行"},
]


class TestTheForm:
    @pytest.mark.parametrize(
        "terms",
        [
            FULL,
            *(one.begin(date(2026, 3, 10)) for one in STARTS.values()),
            *(terms_of(**{"title": "券", "threshold_fen": 0} | changes) for changes in WORTHS),
        ],
    )
    def test_shows_all_terms_and_reads_them_back(self, terms: Terms) -> None:
        form = form_of(terms, SHANGHAI)

        assert template_of(form, SHANGHAI) == (terms, None)
        assert {name for name in form if not name.startswith("bonus_")} <= set(LABELS)

    @pytest.mark.parametrize(
        ("name", "text", "reason"),
        [
            ("worth", "free", "优惠方式请从列表中选择"),
            ("amount_fen", "1.234", "减免金额须为金额，如 20 或 9.90"),
            ("threshold_fen", "1e3", "使用门槛须为金额，如 20 或 9.90"),
            ("validity", "ever", "有效期请从列表中选择"),
            ("days", "1.5", "有效天数须为整数"),
            ("delay_days", "１", "几天后生效须为整数"),
            ("weekdays", "monday", "可用星期请从列表中选择"),
            ("hours", "14-17", "可用时段须如 14:00-17:00，多个用顿号分开"),
            ("included_nodes", "x", "适用的门店请从列表中选择"),
            ("tags", "企业客户", "会员标签请从列表中选择"),
            ("member_total", "-1", "每人限领须为整数"),
            ("stock_per_day", "x", "每天库存须为整数"),
            ("opens_at", "morgen", "领取开始须为日期和时间，如 2026-03-10 08:00"),
            ("closes_at", "0001-01-01T00:00", "领取截止年份须在 2000–2199 之间"),
            ("points_price", "x", "兑换积分须为整数"),
            ("stacking", "x", "与其他券请从列表中选择"),
            ("bonus_days_2", "x", "尽早使用奖励第 2 档的天数和积分须为整数"),
            ("refund", "x", "整单退款后请从列表中选择"),
            ("reminder_days", "x", "到期前几天提醒须为整数"),
        ],
    )
    def test_says_which_field_cannot_be_read_and_why(self, name: str, text: str, reason: str) -> None:
        form = {field: [value] for field, value in FILLED.items()} | {name: [text]}

        with pytest.raises(InvalidCouponTerms) as refused:
            template_of(form, SHANGHAI)

        (problem,) = refused.value.problems
        assert problem.reason == reason
        assert problem.field == ("bonus" if name.startswith("bonus") else name)

    @pytest.mark.parametrize(("name", "reason"), [("first_on", "开始日期不能为空"), ("last_on", "结束日期不能为空")])
    def test_asks_for_both_of_two_dates(self, name: str, reason: str) -> None:
        fixed = {"validity": "fixed", "first_on": "2026-03-10", "last_on": "2026-03-20", name: ""}

        with pytest.raises(InvalidCouponTerms) as refused:
            template_of({field: [value] for field, value in (FILLED | fixed).items()}, SHANGHAI)

        assert [(problem.field, problem.reason) for problem in refused.value.problems] == [(name, reason)]

    @pytest.mark.parametrize(("typed", "percent"), [("8.5", 15), ("9折", 10), ("0.1", 99), ("9.9", 1)])
    def test_reads_how_chinese_counts_percent(self, typed: str, percent: int) -> None:
        assert read_off(typed) == percent

    def test_is_broken_by_no_text(self) -> None:
        whole = form_of(FULL, SHANGHAI) | {"percent": ["8.5"], "stock": ["5"]}
        refused = 0
        for name, text in product(LABELS, TEXTS):
            try:
                form = whole | {name: [text]}
                terms, stock = template_of(form, SHANGHAI)
                check_terms(terms, stock=stock)
            except InvalidInput:
                refused += 1

        assert refused > len(LABELS)


def test_claim_windows_are_read_in_the_programmes_zone() -> None:
    form = {name: [text] for name, text in (FILLED | {"opens_at": "2026-03-10T10:00"}).items()}

    assert template_of(form, SHANGHAI)[0].claiming == Claiming(
        is_in_centre=True, opens_at=datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
    )
