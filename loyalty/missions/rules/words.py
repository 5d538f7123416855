"""How missions read in Chinese, piece by piece."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loyalty.kernel.wording import yuan
from loyalty.missions.rules.counting import MissReason
from loyalty.missions.rules.terms import CardsReward, Measure, MissionEvent, Period, PointsReward, Reward

EVENT_NAMES = {
    MissionEvent.PHONE_BOUND: "绑定手机号",
    MissionEvent.PROFILE_COMPLETED: "完善资料",
    MissionEvent.CHECK_IN: "签到",
    MissionEvent.PURCHASE: "消费",
    MissionEvent.REVIEW: "评价",
    MissionEvent.INVITED_FRIEND: "邀请好友入会",
    MissionEvent.CUSTOM: "自定义事件",
}
MEASURE_NAMES = {
    Measure.TIMES: "次数",
    Measure.AMOUNT: "消费金额",
    Measure.DAYS: "不同的天数",
    Measure.STREAK: "连续的天数",
}
PERIOD_NAMES = {Period.ONCE: "活动期内一次", Period.DAILY: "每天", Period.WEEKLY: "每周"}
LIMIT_NAMES = {
    "points_budget": "积分总预算",
    "rewards_budget": "奖励总份数",
    "member_rewards": "每人累计奖励次数",
}
MISS_NAMES = {
    MissReason.TIER: "会员等级不符",
    MissReason.MINIMUM: "实付金额不够",
    MissReason.REFUNDED: "订单已退款",
    MissReason.REVERSED: "邀请已撤销或收回",
    MissReason.MADE_UP: "补签的日子只补连签，不计次数和天数",
}
REFUSAL_NAMES = {
    "mission_paused": "奖励暂停发放，恢复后可以领取",
    "mission_channel_off": "分享渠道已关闭，恢复后可以领取",
    "mission_reward_held": "奖励审核中，通过后自动到账",
    "mission_reward_refused": "未通过安全校验，如有疑问请联系客服",
    "mission_budget_spent": "奖励已发完",
    "mission_member_limit_reached": "已达到每人可得的奖励次数",
    "mission_claim_over": "已过领取时间",
    "coupon_sold_out": "优惠券已发完",
    "coupon_limit_reached": "已达到该优惠券每人可得的数量",
    "coupon_not_for_member": "不在该优惠券的发放范围内",
    "coupon_not_issuing": "优惠券暂停发放",
    "coupon_period_over": "优惠券有效期已过",
    "coupon_template_not_found": "优惠券不存在",
    "member_provisional": "绑定手机号后才能得券",
    "member_gone": "会员已注销",
}
"""Why a reward that was reached was not paid: by the code of the refusal."""
_UNITS = {Measure.TIMES: "次", Measure.DAYS: "天", Measure.STREAK: "天"}


@dataclass(frozen=True, slots=True)
class Names:
    """What tiers and coupons are called; one without a name shows its number."""

    tiers: Mapping[int, str] = field(default_factory=dict)
    coupons: Mapping[int, str] = field(default_factory=dict)


def amount_words(measure: Measure, amount: int) -> str:
    """Return an amount of progress as people read it: ¥200.00, 3 次, 7 天."""
    return yuan(amount) if measure is Measure.AMOUNT else f"{amount:,} {_UNITS[measure]}"


def reward_words(reward: Reward, names: Names) -> str:
    """Return what a reward is: 50 积分, a coupon's title, 2 张补签卡."""
    if isinstance(reward, PointsReward):
        return f"{reward.points:,} 积分"
    if isinstance(reward, CardsReward):
        return f"{reward.cards} 张补签卡"
    return names.coupons.get(reward.template_id, f"{reward.template_id} 号优惠券")


def refusal_words(code: str) -> str:
    """Return why a reward was not paid."""
    return REFUSAL_NAMES.get(code, "暂时不能发放")
