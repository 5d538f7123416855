"""Channels: the ways on which a marketing message may go."""

from collections.abc import Sequence
from enum import StrEnum

from loyalty.broadcasts.rules.errors import InvalidBroadcastChannels


class Channel(StrEnum):
    """A way to reach a member with marketing. A template message (模板消息) is none: those are for service."""

    SUBSCRIPTION = "subscription"
    """Subscription message (订阅消息) of a mini program, paid with one grant."""
    CUSTOMER = "customer"
    """Customer message (客服消息), within the window that the member's own act opened."""
    INBOX = "inbox"
    """The inbox (站内消息), which always has it."""


NAMES = {Channel.SUBSCRIPTION: "订阅消息", Channel.CUSTOMER: "客服窗口", Channel.INBOX: "站内消息"}


def checked_channels(names: Sequence[str]) -> tuple[Channel, ...]:
    """Return an order of channels as a broadcast takes it; the inbox ends it, named or not.

    Raises:
        InvalidBroadcastChannels: a stranger, such as the template message, or a repetition.
    """
    try:
        channels = [Channel(name) for name in names if name != Channel.INBOX]
    except ValueError as error:
        raise InvalidBroadcastChannels(channels=list(names)) from error
    if len(set(channels)) != len(channels):
        raise InvalidBroadcastChannels(channels=list(names))
    return (*channels, Channel.INBOX)
