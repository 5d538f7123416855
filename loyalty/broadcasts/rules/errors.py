"""Refusals of broadcasts: each with a code, and what somebody of the staff or a member reads."""

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound


class InvalidMessageContent(InvalidInput):
    """Title or body is empty or too long, or a tap would lead out of our own pages; ``field`` says which."""

    code = "invalid_message_content"
    message = "消息内容不正确：标题 30 字以内，正文 200 字以内，跳转只能是会员页面或小程序页面"


class InvalidBroadcastChannels(InvalidInput):
    """A channel is named twice, or may not carry marketing, as the template message."""

    code = "invalid_broadcast_channels"
    message = "推送渠道不正确：营销内容只能走订阅消息、客服消息和站内消息，且不可重复"


class InvalidPushPolicy(InvalidInput):
    """A figure of the push policy is out of its range; ``field`` says which."""

    code = "invalid_push_policy"
    message = "推送策略不正确：请检查填写的数值"


class BroadcastNotFound(NotFound):
    """There is no such broadcast."""

    code = "broadcast_not_found"
    message = "没有找到这个推送任务"


class BroadcastNotInState(Conflict):
    """The broadcast is paused, running or stopped already."""

    code = "broadcast_not_in_state"
    message = "该推送任务已停止，或已处于该状态"


class ClickUnknown(NotFound):
    """The link belongs to no message of ours."""

    code = "click_unknown"
    message = "链接已失效"
