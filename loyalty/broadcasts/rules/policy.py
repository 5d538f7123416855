"""The push policy (推送策略): how often, how fast, and what is kept for service notices."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.errors import InvalidPushPolicy
from loyalty.limits.rules import Limit, day_of
from loyalty.notices.rules import POLICY, QuietHours

PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")
"""Quotas of the platform begin anew at midnight in China, wherever the programme is."""
HELD_AT_MOST = timedelta(days=3)
"""What could not go out for so long is left to the inbox."""
STALE_AFTER = timedelta(minutes=2)
"""An attempt without an answer for so long has lost its worker."""
GROUP_SECONDS = 10
"""The calls of one group begin within so long, however slow the pace: a member's word is asked for anew after it."""
ATTEMPTS_MAX = 3
AGAIN_AFTER = timedelta(minutes=2)
SERVICE_WAITS_AT_MOST = timedelta(hours=1)
"""A service notice that has waited longer is stuck, and marketing no longer stands behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPolicy:
    """What headquarters may set. The defaults hold until somebody does."""

    messages_a_day: int = 1
    """Marketing messages on a member's phone, across all campaigns."""
    messages_a_week: int = 3
    service_percent: int = 20
    """Of the daily quota, kept for service notices."""
    messages_a_second: int = 50
    """To one account of ours at WeChat."""
    subscription_quota: int = 10_000_000
    """What the platform allows a mini program in a day."""
    customer_quota: int = 500_000


_RANGES: Mapping[str, tuple[int, int]] = {
    "messages_a_day": (0, 20),
    "messages_a_week": (0, 100),
    "service_percent": (0, 100),
    "messages_a_second": (1, 1_000),
    "subscription_quota": (0, 100_000_000),
    "customer_quota": (0, 100_000_000),
}


def is_quiet(at: datetime, zone: ZoneInfo, quiet: QuietHours) -> bool:
    """Tell whether calls that are prepared now may fall into the quiet hours (免打扰)."""
    return any(quiet.over_at(instant, zone) is not None for instant in (at, at + STALE_AFTER))


def service_since(at: datetime, zone: ZoneInfo, quiet: QuietHours) -> datetime:
    """Return since when a service notice may have been requested for marketing to stand behind it.

    In the first hour of the morning those count too that were held back until then.
    """
    local = at.astimezone(zone)
    morning = quiet.morning_of(local.date(), zone)
    return at - (POLICY.held_at_most if morning <= local < morning + SERVICE_WAITS_AT_MOST else SERVICE_WAITS_AT_MOST)


def check_policy(policy: PushPolicy) -> None:
    """Refuse a policy that makes no sense.

    Raises:
        InvalidPushPolicy: see the class.
    """
    for field in fields(policy):
        least, most = _RANGES[field.name]
        if not least <= getattr(policy, field.name) <= most:
            raise InvalidPushPolicy(field=field.name, least=least, most=most)
    if policy.messages_a_week < policy.messages_a_day:
        raise InvalidPushPolicy(field="messages_a_week")


def marketing_quota(policy: PushPolicy, channel: Channel, *, appid: str, at: datetime) -> Limit:
    """Return how much of a day's quota marketing may use of one account on one channel."""
    whole = policy.subscription_quota if channel is Channel.SUBSCRIPTION else policy.customer_quota
    ceiling = whole * (100 - policy.service_percent) // 100
    day = day_of(at.astimezone(PLATFORM_ZONE).date())
    return Limit("broadcast_quota", f"{channel}:{appid}", day, ceiling, "marketing_quota")


def next_quota_at(at: datetime) -> datetime:
    """Return when the platform's quotas begin anew."""
    tomorrow = at.astimezone(PLATFORM_ZONE).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, PLATFORM_ZONE)


def week_on(day: date) -> date:
    """Return the Monday of a date's week."""
    return day - timedelta(days=day.weekday())
