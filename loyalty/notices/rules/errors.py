"""Refusals of notices: each with a code, and what a member or somebody of the staff reads."""

from loyalty.kernel.errors import InvalidInput, NotFound, Unavailable


class UnknownNoticeKind(NotFound):
    """No notice of this kind exists."""

    code = "unknown_notice_kind"
    message = "没有这种通知"


class InvalidChannels(InvalidInput):
    """The channel order is empty, repeats a channel or does not end with the inbox."""

    code = "invalid_channels"
    message = "通知渠道不正确：不可重复，且最后一个必须是站内消息"


class NoticeIsOwed(InvalidInput):
    """The kind cannot be switched off: what it tells must not happen in silence."""

    code = "notice_is_owed"
    message = "这类消息关系到会员权益，不能关闭"


class InvalidQuietHours(InvalidInput):
    """The quiet hours begin before 20:00, or end before 6:00 or after 12:00."""

    code = "invalid_quiet_hours"
    message = "免打扰时段不正确：开始须在 20:00–23:59，结束须在次日 6:00–12:00"


class InvalidNoticeFacts(InvalidInput):
    """The facts given are not those the kind declares."""

    code = "invalid_notice_facts"
    message = "通知内容与通知类型不符"


class InboxMessageNotFound(NotFound):
    """The member has no such inbox message."""

    code = "inbox_message_not_found"
    message = "没有找到这条消息"


class SendAgainLater(Unavailable):
    """WeChat was busy; the same notice is worth another try."""

    code = "send_again_later"
    message = "微信繁忙，消息稍后重发"


class DeliveryNotYetKnown(Unavailable):
    """A report names a message whose number we have not stored yet, or that is not ours."""

    code = "delivery_not_yet_known"
    message = "消息回执先于发送结果到达，稍后处理"
