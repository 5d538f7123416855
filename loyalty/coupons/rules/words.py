"""How figures of coupons read in Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loyalty.coupons.rules.terms import Windows
from loyalty.kernel.wording import span, weekdays

FOR_CHOSEN = "限指定会员领取"
"""Of tags, to members: what staff call them among themselves is not for them to read."""


@dataclass(frozen=True, slots=True)
class Names:
    """What stores, regions, tiers and tags are called; one without a name shows its number."""

    nodes: Mapping[int, str] = field(default_factory=dict)
    tiers: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[int, str] = field(default_factory=dict)


def off_of(percent: int) -> str:
    """Return so many percent less as Chinese counts it: 8.5 for 15."""
    whole, rest = divmod(100 - percent, 10)
    return f"{whole}.{rest}" if rest else str(whole)


def window_words(windows: Windows) -> str:
    """Return when a coupon holds: 周一至周五 11:00–14:00; nothing when it always does."""
    days = weekdays(windows.weekdays)
    hours = "、".join(span(one) for one in windows.hours)
    return f"{days} {hours}" if days and hours else days or hours
