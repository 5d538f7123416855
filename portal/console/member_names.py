"""What states and kinds of members are called on console pages."""

from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.rules.members import MemberStatus
from loyalty.orders.rules import RefundState, Returned
from loyalty.points.rules import EntryKind, HoldState
from loyalty.points.statement import LotState

STATUS_NAMES = {
    MemberStatus.PROVISIONAL: "待确认",
    MemberStatus.ACTIVE: "正常",
    MemberStatus.CLOSING: "注销中",
    MemberStatus.CLOSED: "已注销",
    MemberStatus.MERGED: "已合并",
}
STATUS_COLOURS = {
    MemberStatus.PROVISIONAL: "blue",
    MemberStatus.ACTIVE: "green",
    MemberStatus.CLOSING: "orange",
    MemberStatus.CLOSED: "secondary",
    MemberStatus.MERGED: "secondary",
}
IDENTITY_NAMES = {IdentityKind.OFFICIAL_ACCOUNT: "公众号", IdentityKind.MINI_PROGRAM: "小程序"}
PURPOSE_NAMES = {
    Purpose.SERVICE_TERMS: "会员服务协议",
    Purpose.PRIVACY: "隐私政策",
    Purpose.MARKETING: "营销信息",
    Purpose.PAYEE_IDENTITY: "收款人实名信息",
}
ENTRY_NAMES = {
    EntryKind.EARN: "获得",
    EntryKind.SPEND: "使用",
    EntryKind.EXPIRE: "过期",
    EntryKind.REVERSE: "冲正",
    EntryKind.ADJUST: "人工调整",
    EntryKind.TRANSFER: "合并转移",
}
DELIVERY_NAMES = {
    "queued": "排队",
    "sending": "发送中",
    "sent": "已发",
    "delivered": "已送达",
    "refused": "被拒",
    "failed": "失败",
    "unknown": "未知",
}
DELIVERY_COLOURS = {
    "sent": "blue",
    "delivered": "green",
    "refused": "orange",
    "failed": "red",
    "unknown": "yellow",
}
LOT_NAMES = {
    LotState.AVAILABLE: "可用",
    LotState.PENDING: "待入账",
    LotState.HELD: "冻结",
    LotState.EXPIRED: "已过期",
    LotState.USED_UP: "已用完",
}
LOT_COLOURS = {
    LotState.AVAILABLE: "green",
    LotState.PENDING: "blue",
    LotState.HELD: "orange",
    LotState.EXPIRED: "orange",
    LotState.USED_UP: "secondary",
}
HOLD_NAMES = {
    HoldState.PLACED: "冻结中",
    HoldState.CAPTURED: "已扣除",
    HoldState.RELEASED: "已解冻",
    HoldState.EXPIRED: "超时自动解冻",
}
HOLD_COLOURS = {
    HoldState.PLACED: "orange",
    HoldState.CAPTURED: "green",
    HoldState.RELEASED: "secondary",
    HoldState.EXPIRED: "secondary",
}
REFUND_NAMES = {
    RefundState.WAITING: "等待原订单",
    RefundState.APPLIED: "已处理",
    RefundState.REFUSED: "未采纳（超出订单）",
}
RETURNED_NAMES = {
    Returned.NOTHING: "没有退款",
    Returned.PART: "部分退款",
    Returned.WHOLE: "全部退款",
}
