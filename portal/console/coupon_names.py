"""What templates, coupons and their ways are called on the console's pages."""

from loyalty.coupons.rules.by_hand import GiveReason, ReverseReason, VoidReason
from loyalty.coupons.rules.states import IssuePath, Standing, TemplateState
from loyalty.coupons.rules.terms import RefundPolicy

STATE_NAMES = {
    TemplateState.DRAFT: "草稿",
    TemplateState.LIVE: "发放中",
    TemplateState.PAUSED: "已暂停",
    TemplateState.STOPPED: "已停止",
}
STATE_COLOURS = {
    TemplateState.DRAFT: "orange",
    TemplateState.LIVE: "green",
    TemplateState.PAUSED: "yellow",
    TemplateState.STOPPED: "secondary",
}
STANDING_NAMES = {
    Standing.UPCOMING: "未到可用时间",
    Standing.USABLE: "可用",
    Standing.LOCKED: "已锁定",
    Standing.USED: "已使用",
    Standing.LAPSED: "已过期",
    Standing.VOIDED: "已作废",
}
STANDING_COLOURS = {
    Standing.UPCOMING: "blue",
    Standing.USABLE: "green",
    Standing.LOCKED: "orange",
    Standing.USED: "secondary",
    Standing.LAPSED: "secondary",
    Standing.VOIDED: "red",
}
PATH_NAMES = {
    IssuePath.CLAIM: "领券中心",
    IssuePath.LINK: "领取链接",
    IssuePath.CODE: "兑换码",
    IssuePath.EARNING_RULE: "积分规则",
    IssuePath.MISSION: "任务奖励",
    IssuePath.REFERRAL: "邀请奖励",
    IssuePath.STAFF: "人工发放",
    IssuePath.PARTNER: "接入系统",
    IssuePath.BULK: "批量发放",
    IssuePath.CAMPAIGN: "活动发放",
}
WORTH_NAMES = {
    "cash_off": "减免金额",
    "percent_off": "打折",
    "fixed_price": "特价",
    "gift": "礼品",
}
REFUND_NAMES = {
    RefundPolicy.RETURN: "退回本券",
    RefundPolicy.FORFEIT: "不退回",
}
GIVE_REASON_NAMES = {
    GiveReason.APOLOGY: "服务补偿",
    GiveReason.MISSED: "漏发补发",
    GiveReason.CARE: "客户关怀",
}
VOID_REASON_NAMES = {
    VoidReason.MISTAKE: "发错了",
    VoidReason.ABUSE: "异常领取",
    VoidReason.REQUEST: "会员要求",
}
REVERSE_REASON_NAMES = {
    ReverseReason.MISTAKE: "核销错误",
    ReverseReason.CANCELLED: "订单取消",
}
