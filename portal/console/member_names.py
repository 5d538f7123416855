"""What states and kinds of members are called on console pages."""

from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.rules.members import MemberStatus
from loyalty.points.rules import EntryKind

STATUS_NAMES = {
    MemberStatus.ACTIVE: "正常",
    MemberStatus.CLOSING: "注销中",
    MemberStatus.CLOSED: "已注销",
    MemberStatus.MERGED: "已合并",
}
STATUS_COLOURS = {
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
