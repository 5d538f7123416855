"""The fields of the form of earning rules: what each is called, and what its text stands for."""

from datetime import date

from loyalty.earning.rules import Fixed, Multiple, PerAmount, Reward, Rounding
from loyalty.earning.rules.words import LIMIT_NAMES
from loyalty.points.rules.expiry import PERIODS, ExpiryPolicy, InvalidExpiryPolicy, PolicyKind, check_policy
from portal.console.figures import times
from portal.console.form_fields import Form, FormReader, whole

LABELS = {
    "name": "规则名称",
    "points_kind": "积分奖励",
    "points_value": "积分数量",
    "points_each": "积分每满金额",
    "points_times": "积分倍数",
    "points_rounding": "积分零头",
    "growth_kind": "成长值奖励",
    "growth_value": "成长值数量",
    "growth_each": "成长值每满金额",
    "growth_times": "成长值倍数",
    "growth_rounding": "成长值零头",
    "coupon_template_id": "送优惠券",
    "included_nodes": "参加的门店",
    "excluded_nodes": "不参加的门店",
    "tier_levels": "会员等级",
    "tags": "会员标签",
    "is_first_purchase": "首单",
    "minimum_amount": "最低金额",
    "minimum_quantity": "最低件数",
    "skus": "指定商品",
    "categories": "指定品类",
    "excluded_skus": "不计的商品",
    "excluded_categories": "不计的品类",
    "channels": "渠道",
    "weekdays": "星期",
    "hours": "时段",
    "first_on": "开始日期",
    "last_on": "结束日期",
    "month_days": "会员日",
    "birthday": "生日",
    "custom_kind": "事件类型",
    "group": "互斥组",
    "priority": "优先级",
    **LIMIT_NAMES,
    "pending_days": "待入账天数",
    "expiry_kind": "积分有效期",
    "expiry_n": "有效期期数",
    "expiry_on": "有效期日期",
    "starts_at": "生效时间",
    "ends_at": "结束时间",
    "sample_amount": "试算金额",
    "sample_quantity": "试算件数",
    "sample_at": "试算时间",
    "sample_tier": "试算等级",
    "sample_store": "试算门店",
}
"""What each field is called, on the page and where it is refused."""


class Reader(FormReader):
    """Reads the fields of a rule."""

    def __init__(self, form: Form) -> None:
        super().__init__(form, LABELS)

    def month_days(self, name: str) -> list[int]:
        """Return the days of the month that a text lists."""
        return self.listed(name, whole, "须为日期数字，如 8、18、28")

    def reward(self, name: str) -> Reward | None:
        """Return the reward of points or of growth."""
        kind = self.option(f"{name}_kind", ("", "per_amount", "fixed", "multiple"))
        if not kind:
            return None
        if kind == "multiple":
            return Multiple(self.read(f"{name}_times", times, "须为倍数，如 2 或 1.5") or 0, self._rounding(name))
        value = self.whole(f"{name}_value") or 0
        if kind == "fixed":
            return Fixed(value)
        return PerAmount(value, self.money(f"{name}_each", example="1 或 10") or 0, self._rounding(name))

    def _rounding(self, name: str) -> Rounding:
        return self.choice(f"{name}_rounding", Rounding) or Rounding.FLOOR

    def expiry(self) -> ExpiryPolicy | None:
        """Return the expiry policy, or None for that of the programme."""
        kind = self.choice("expiry_kind", PolicyKind)
        if kind is None:
            return None
        n = self.whole("expiry_n") if kind in PERIODS else None
        on = self.read("expiry_on", date.fromisoformat, "须为日期") if kind is PolicyKind.FIXED_DATE else None
        policy = ExpiryPolicy(kind, n=n, on=on)
        try:
            check_policy(policy)
        except InvalidExpiryPolicy:
            self.refuse("expiry_n", "有效期的期数或日期不正确")
        return policy
