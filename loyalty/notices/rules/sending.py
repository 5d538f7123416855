"""Sending: the states of a message, how long an attempt may take, and what holds a notice back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from loyalty.notices.rules.quiet_hours import QuietHours


class NoticeState(StrEnum):
    """Whether a notice still waits to be sent over WeChat."""

    QUEUED = "queued"
    FINISHED = "finished"


class DeliveryState(StrEnum):
    """What became of one attempt to reach one identity over one channel."""

    QUEUED = "queued"
    """WeChat was busy; it is tried again."""
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Nobody knows whether it arrived; never sent again."""


COUNTED_STATES = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.UNKNOWN)
"""States in which the member has, or may have, a message of ours on the phone."""


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """When a member may be disturbed, and how long an attempt may take."""

    messages_a_day: int = 5
    own_act_within: timedelta = timedelta(minutes=5)
    held_at_most: timedelta = timedelta(days=2)
    """Older news is left to the inbox."""
    attempts_max: int = 5
    stale_after: timedelta = timedelta(minutes=2)
    resend_within: timedelta = timedelta(minutes=10)
    """WeChat remembers a ``client_msg_id`` for about this long (wechat-platform: template messages)."""


POLICY = SendingPolicy()


def answers_own_act(acted_at: datetime | None, *, at: datetime) -> bool:
    """Tell whether a notice answers what the member did moments ago, so that nothing holds it back."""
    return acted_at is not None and timedelta() <= at - acted_at <= POLICY.own_act_within


def held_until(
    *, acted_at: datetime | None, sent_today: int, quiet: QuietHours, zone: ZoneInfo, at: datetime
) -> datetime | None:
    """Return when a notice may go out at the earliest; None for at once.

    Held back to the next morning in the quiet hours (免打扰) and above the daily cap.
    """
    if answers_own_act(acted_at, at=at):
        return None
    over_at = quiet.over_at(at, zone)
    return quiet.morning_after(at, zone) if over_at is None and sent_today >= POLICY.messages_a_day else over_at
