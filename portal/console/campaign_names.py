"""What the parts of campaigns are called on pages."""

from loyalty.campaigns.rules.entries import MissReason
from loyalty.campaigns.rules.terms import CampaignEvent, CampaignState, Repetition

STATE_NAMES = {
    CampaignState.DRAFT: "草稿",
    CampaignState.WAITING: "待复核",
    CampaignState.SCHEDULED: "待开始",
    CampaignState.RUNNING: "进行中",
    CampaignState.PAUSED: "已暂停",
    CampaignState.ENDED: "已结束",
    CampaignState.UNDONE: "已撤回",
}
STATE_COLOURS = {
    CampaignState.DRAFT: "secondary",
    CampaignState.WAITING: "orange",
    CampaignState.SCHEDULED: "blue",
    CampaignState.RUNNING: "green",
    CampaignState.PAUSED: "orange",
    CampaignState.ENDED: "secondary",
    CampaignState.UNDONE: "red",
}
TRIGGER_NAMES = {
    "now": "立即执行一次",
    "at": "定时执行一次",
    "recurring": "周期执行（会员日）",
    "event": "会员做了某事之后",
    "birthday": "会员生日",
    "sleeping": "会员多日未消费（沉睡）",
    "before_expiry": "会员积分到期前",
    "visit": "会员自己来领（链接、二维码、菜单）",
}
"""By what documents call the kinds of triggers."""
EVENT_NAMES = {
    CampaignEvent.ENROLLED: "入会",
    CampaignEvent.PURCHASED: "消费",
    CampaignEvent.CHECKED_IN: "签到",
    CampaignEvent.COUPON_REDEEMED: "用券",
    CampaignEvent.TIER_PROMOTED: "升级",
    CampaignEvent.FRIEND_QUALIFIED: "邀请的好友达标",
    CampaignEvent.FOLLOWED: "关注公众号（不能送积分或券）",
}
REPETITION_NAMES = {Repetition.DAILY: "每天", Repetition.WEEKLY: "每周", Repetition.MONTHLY: "每月"}
ACTION_NAMES = {"points": "送积分", "coupon": "送优惠券", "tag": "打标签", "message": "发消息"}
MISS_NAMES = {
    MissReason.MEMBER_GONE: "会员已注销或合并",
    MissReason.NOT_IN_AUDIENCE: "到时已不符合条件",
    MissReason.POINTS_TOTAL: "积分上限已用完",
    MissReason.COUPONS_TOTAL: "发券上限已用完",
    MissReason.FEN_TOTAL: "费用上限已用完",
    MissReason.MEMBERS_TOTAL: "人数上限已满",
    MissReason.MEMBER_TIMES: "已达每人次数",
    MissReason.COUPON_REFUSED: "优惠券当时未在发放",
    MissReason.COUPON_STOCK: "优惠券已发完",
    MissReason.COUPON_LIMIT: "已达该券每人上限",
    MissReason.COUPON_NOT_FOR_MEMBER: "不符合该券的领取条件",
    MissReason.CAMPAIGN_OVER: "活动已结束",
}
DELAY_UNITS = {"minutes": "分钟", "hours": "小时", "days": "天"}
MINUTES_OF = {"minutes": 1, "hours": 60, "days": 24 * 60}


def occurrence_name(occurrence: str) -> str:
    """Return what an occurrence is called: the date of a run, or what kind of run it is."""
    return {"once": "一次性", "open": "随到随发"}.get(occurrence, occurrence)
