"""States: of a broadcast, of a member in it, of one attempt, and why somebody was not pushed to."""

from enum import StrEnum


class BroadcastState(StrEnum):
    """Whether a broadcast may send."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    """For good; whoever still waited is left to the inbox."""


class RecipientState(StrEnum):
    """Where a member stands in a broadcast."""

    WAITING = "waiting"
    READY = "ready"
    """Due, and some way is open."""
    SENDING = "sending"
    SENT = "sent"
    """Over WeChat, as far as anybody knows."""
    INBOX = "inbox"
    """Nothing over WeChat; the inbox has it."""
    LEFT_OUT = "left_out"
    """Not even the inbox has it: the member wants no marketing, or is gone."""


UNFINISHED = (RecipientState.WAITING, RecipientState.READY, RecipientState.SENDING)


class AttemptState(StrEnum):
    """What became of one attempt over WeChat."""

    SENDING = "sending"
    AGAIN = "again"
    """Surely not sent; the same attempt is made again."""
    SENT = "sent"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Nobody knows whether it arrived; never sent again."""


class Reason(StrEnum):
    """Why a member got no push (未推送)."""

    GONE = "gone"
    UNSUBSCRIBED = "unsubscribed"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    BLOCKED = "blocked"
    CAPPED = "capped"
    INBOX_ONLY = "inbox_only"
    NO_ACCOUNT = "no_account"
    NO_WAY = "no_way"
    NOT_SENT = "not_sent"
    """WeChat refused it on every way."""
    TOO_LATE = "too_late"
    SWITCHED_OFF = "switched_off"


REFUSALS = (Reason.GONE, Reason.UNSUBSCRIBED, Reason.CONSENT_WITHDRAWN, Reason.BLOCKED)
"""The member's own word, or ours about the member: nothing at all is sent."""

REASON_NAMES = {
    Reason.GONE: "会员已注销",
    Reason.UNSUBSCRIBED: "已退订活动消息",
    Reason.CONSENT_WITHDRAWN: "已撤回营销授权",
    Reason.BLOCKED: "在黑名单中",
    Reason.CAPPED: "已达营销消息频次上限",
    Reason.INBOX_ONLY: "只发站内消息",
    Reason.NO_ACCOUNT: "没有绑定所选渠道的微信账号",
    Reason.NO_WAY: "没有可用的订阅授权，也不在客服窗口内",
    Reason.NOT_SENT: "微信未接收",
    Reason.TOO_LATE: "超过发送时限",
    Reason.SWITCHED_OFF: "活动消息已在消息配置中关闭",
}
