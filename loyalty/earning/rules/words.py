"""How figures of rules read in Chinese."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loyalty.earning.rules.definition import Rounding
from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.matching import MissReason
from loyalty.kernel.wording import named

EVENT_NAMES = {
    EarningEvent.PURCHASE: "消费",
    EarningEvent.CHECK_IN: "签到",
    EarningEvent.ENROLLED: "入会",
    EarningEvent.PROFILE_COMPLETED: "完善资料",
    EarningEvent.BIRTHDAY: "过生日",
    EarningEvent.REVIEW: "评价",
    EarningEvent.CUSTOM: "自定义事件",
}
ROUNDING_NAMES = {
    Rounding.FLOOR: "不足部分舍去",
    Rounding.HALF_UP: "不足部分四舍五入",
    Rounding.CEIL: "不足部分按一份计",
}
LIMIT_NAMES = {
    "member_day": "每人每天上限",
    "member_week": "每人每周上限",
    "member_month": "每人每月上限",
    "member_total": "每人累计上限",
    "rule_month_budget": "规则每月预算",
    "rule_budget": "规则总预算",
    "store_month_budget": "单店每月预算",
    "store_budget": "单店预算",
}
MISS_NAMES = {
    MissReason.STORE: "门店不参加",
    MissReason.CUSTOM_KIND: "事件类型不符",
    MissReason.CHANNEL: "渠道不参加",
    MissReason.DATE: "不在活动日期内",
    MissReason.WEEKDAY: "不在活动的星期",
    MissReason.MONTH_DAY: "不是会员日",
    MissReason.HOURS: "不在活动时段内",
    MissReason.BIRTHDAY: "不在生日优惠期内",
    MissReason.TIER: "会员等级不符",
    MissReason.TAG: "没有要求的会员标签",
    MissReason.FIRST_PURCHASE: "不是首单",
    MissReason.PRODUCT: "没有购买参加活动的商品",
    MissReason.AMOUNT: "消费金额不够",
    MissReason.QUANTITY: "购买件数不够",
    MissReason.NO_BASE: "没有可翻倍的基础积分",
    MissReason.OUTRANKED: "不与其他活动同享",
    MissReason.COUPON: "优惠券没有送出",
}
COUPON_REFUSALS = {
    "coupon_sold_out": "已发完",
    "coupon_sold_out:day_stock": "今日已发完",
    "coupon_sold_out:store_stock": "本店已发完",
    "coupon_limit_reached": "已达到每人可得的数量",
    "coupon_limit_reached:member_day": "已达到每人每天可得的数量",
    "coupon_not_for_member": "不在该券的发放范围内",
    "coupon_not_issuing": "该券暂停发放",
    "coupon_period_over": "该券有效期已过",
    "coupon_hours_over": "该券可用时段已过",
    "coupon_template_not_found": "该券不存在",
    "member_provisional": "绑定手机号后才能得券",
    "member_gone": "会员已注销",
}
"""Why a rule's coupon was refused: by the code of the refusal, and where that says more, by its limit too."""


@dataclass(frozen=True, slots=True)
class Names:
    """What stores, regions, tiers, tags and coupons are called; one without a name shows its number."""

    nodes: Mapping[int, str] = field(default_factory=dict)
    tiers: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[int, str] = field(default_factory=dict)
    coupons: Mapping[int, str] = field(default_factory=dict)

    def of_nodes(self, ids: Iterable[int]) -> str:
        """Return stores and regions in one text."""
        return named(ids, self.nodes, "门店")

    def of_tiers(self, levels: Iterable[int]) -> str:
        """Return tiers in one text."""
        return "、".join(self.tiers.get(one, f"{one} 级会员") for one in sorted(levels))

    def of_tags(self, ids: Iterable[int]) -> str:
        """Return tags in one text."""
        return "、".join(self.tags.get(one, f" {one} 号") for one in sorted(ids))

    def of_coupon(self, template_id: int) -> str:
        """Return a coupon by what its template is called."""
        return self.coupons.get(template_id, f"{template_id} 号优惠券")


def times(basis_points: int) -> str:
    """Return a multiplier: 1.5 for 15000."""
    whole, rest = divmod(basis_points, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")
