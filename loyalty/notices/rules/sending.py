"""Sending: the states of a message, quiet hours (免打扰) and the daily cap."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


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
    quiet_from: time = time(22)
    quiet_until: time = time(8)
    own_act_within: timedelta = timedelta(minutes=5)
    held_at_most: timedelta = timedelta(days=2)
    """Older news is left to the inbox."""
    attempts_max: int = 5
    stale_after: timedelta = timedelta(minutes=2)
    resend_within: timedelta = timedelta(minutes=10)
    """WeChat remembers a ``client_msg_id`` for about this long (wechat-platform: template messages)."""


POLICY = SendingPolicy()


def answers_own_act(acted_at: datetime | None, *, at: datetime, policy: SendingPolicy = POLICY) -> bool:
    """Tell whether a notice answers what the member did moments ago, so that nothing holds it back."""
    return acted_at is not None and timedelta() <= at - acted_at <= policy.own_act_within


def held_until(
    *, acted_at: datetime | None, sent_today: int, zone: ZoneInfo, at: datetime, policy: SendingPolicy = POLICY
) -> datetime | None:
    """Return when a notice may go out at the earliest; None for at once.

    Held back to the next morning in the quiet hours (免打扰) and above the daily cap.
    """
    if answers_own_act(acted_at, at=at, policy=policy):
        return None
    local = at.astimezone(zone)
    today_morning = _morning(local.date(), zone, policy)
    next_morning = _morning(local.date() + timedelta(days=1), zone, policy)
    if local.time() < policy.quiet_until:
        return today_morning
    if local.time() >= policy.quiet_from or sent_today >= policy.messages_a_day:
        return next_morning
    return None


def _morning(day: date, zone: ZoneInfo, policy: SendingPolicy) -> datetime:
    return datetime.combine(day, policy.quiet_until, zone)
