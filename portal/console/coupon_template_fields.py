"""The fields of the form of coupon templates: what each is called, and what its text stands for."""

import re

from loyalty.coupons.rules.checking import BONUS_STEPS_MAX
from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    DaysFromIssue,
    FixedDates,
    FixedPrice,
    Gift,
    PercentOff,
    Validity,
    Worth,
)
from portal.console.coupon_names import WORTH_NAMES
from portal.console.form_fields import Form, FormReader, whole

LABELS = {
    "title": "名称",
    "worth": "优惠方式",
    "amount_fen": "减免金额",
    "percent": "折扣",
    "ceiling_fen": "最高减免",
    "price_fen": "特价",
    "gift_name": "礼品名称",
    "threshold_fen": "使用门槛",
    "skus": "指定商品",
    "categories": "指定品类",
    "excluded_skus": "不适用的商品",
    "excluded_categories": "不适用的品类",
    "channels": "渠道",
    "included_nodes": "适用的门店",
    "excluded_nodes": "不适用的门店",
    "validity": "有效期",
    "first_on": "开始日期",
    "last_on": "结束日期",
    "days": "有效天数",
    "delay_days": "几天后生效",
    "weekdays": "可用星期",
    "hours": "可用时段",
    "stock": "总库存",
    "stock_per_day": "每天库存",
    "stock_per_store": "每店库存",
    "member_total": "每人限领",
    "member_per_day": "每人每天限领",
    "tier_levels": "会员等级",
    "tags": "会员标签",
    "is_in_centre": "领券中心",
    "opens_at": "领取开始",
    "closes_at": "领取截止",
    "points_price": "兑换积分",
    "stacking": "与其他券",
    "group": "叠加分组",
    "bonus": "尽早使用奖励",
    "refund": "整单退款后",
    "refund_grace_days": "过期券退回后可用天数",
    "reminder_days": "到期前几天提醒",
    "description": "使用须知",
    "picture": "图片",
    "sample_amount": "样例金额",
}
"""What each field is called, on the page and where it is refused; terms that are wrong name the same fields."""
BONUS_ROWS = range(1, BONUS_STEPS_MAX + 1)
_TENTHS = re.compile(r"(\d)(?:\.(\d))?", re.ASCII)


def read_off(text: str) -> int:
    """Read 8.5 (折) as 15 percent less.

    Raises:
        ValueError: it is none.
    """
    found = _TENTHS.fullmatch(text.removesuffix("折").strip())
    if found is None:
        raise ValueError(text)
    return 100 - int(found[1]) * 10 - int(found[2] or 0)


class Reader(FormReader):
    """Reads the fields of a template."""

    def __init__(self, form: Form) -> None:
        super().__init__(form, LABELS)

    def worth(self) -> Worth:
        """Return what a coupon is worth; what is missing is told when the terms are checked."""
        match self.option("worth", WORTH_NAMES):
            case "percent_off":
                off = self.read("percent", read_off, "须为折数，如 8.5")
                return PercentOff(0 if off is None else off, self.money("ceiling_fen"))
            case "fixed_price":
                return FixedPrice(self.money("price_fen") or 0)
            case "gift":
                return Gift(self.text("gift_name"))
            case _:
                return CashOff(self.money("amount_fen") or 0)

    def validity(self) -> Validity:
        """Return from when until when a coupon holds."""
        if self.option("validity", ("fixed", "relative")) != "fixed":
            return DaysFromIssue(self.whole("days") or 0, self.whole("delay_days") or 0)
        first, last = self.day("first_on"), self.day("last_on")
        told = {problem.field for problem in self.problems}
        for name, day in (("first_on", first), ("last_on", last)):
            if day is None and name not in told:
                self.refuse(name, "不能为空")
        if first is None or last is None:
            return DaysFromIssue(1)
        return FixedDates(first, last)

    def bonus(self) -> tuple[BonusStep, ...]:
        """Return the steps of the early-use bonus, the rows that are empty left out."""
        steps = []
        for row in BONUS_ROWS:
            days, points = self.text(f"bonus_days_{row}"), self.text(f"bonus_points_{row}")
            if not (days or points):
                continue
            try:
                steps.append(BonusStep(whole(days), whole(points)))
            except ValueError:
                self.refuse("bonus", f"第 {row} 档的天数和积分须为整数")
        return tuple(steps)
