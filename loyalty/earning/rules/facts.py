"""Facts of an event: everything a rule may look at, and what is stored so that a result can be reckoned again.

Ids, codes and figures only: of a birthday no more than whether it is today or this month.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from loyalty.kernel.local_time import LocalTime

ONCE_BP = 10_000
"""A multiplier of one in basis points: it changes nothing."""


class EarningEvent(StrEnum):
    """What may earn points; nothing that WeChat forbids to pay for is among them."""

    PURCHASE = "purchase"
    CHECK_IN = "check_in"
    ENROLLED = "enrolled"
    PROFILE_COMPLETED = "profile_completed"
    BIRTHDAY = "birthday"
    REVIEW = "review"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class FactLine:
    """One line of a purchase."""

    line_number: int
    sku: str
    category: str
    quantity: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """What is known of one event when it is evaluated."""

    event: EarningEvent
    occurred_at: datetime
    local: LocalTime
    """``occurred_at`` as ``local_time`` gives it."""
    member_id: int
    store_id: int | None = None
    region_id: int | None = None
    channel: str | None = None
    tier_level: int = 0
    tier_multiplier_bp: int = ONCE_BP
    """The benefit of the member's tier (等级倍率): 15000 pays half as much again of what base rules pay."""
    tags: frozenset[int] = frozenset()
    """Ids of the tags that the member has."""
    is_first_purchase: bool = False
    is_birthday: bool = False
    is_birthday_month: bool = False
    lines: tuple[FactLine, ...] = ()
    custom_kind: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the facts as they are stored."""
        return {
            "event": self.event.value,
            "occurred_at": self.occurred_at.isoformat(),
            "on": self.local.on.isoformat(),
            "minute": self.local.minute,
            "member_id": self.member_id,
            "store_id": self.store_id,
            "region_id": self.region_id,
            "channel": self.channel,
            "tier_level": self.tier_level,
            "tier_multiplier_bp": self.tier_multiplier_bp,
            "tags": sorted(self.tags),
            "is_first_purchase": self.is_first_purchase,
            "is_birthday": self.is_birthday,
            "is_birthday_month": self.is_birthday_month,
            "lines": [[one.line_number, one.sku, one.category, one.quantity, one.amount_fen] for one in self.lines],
            "custom_kind": self.custom_kind,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "EventFacts":
        """Return facts that ``to_json`` stored."""
        taken = dict(stored)
        return cls(
            event=EarningEvent(taken.pop("event")),
            occurred_at=datetime.fromisoformat(taken.pop("occurred_at")),
            local=LocalTime(date.fromisoformat(taken.pop("on")), taken.pop("minute")),
            tags=frozenset(taken.pop("tags")),
            lines=tuple(FactLine(*line) for line in taken.pop("lines")),
            **taken,
        )


def is_birthday_on(birthday: tuple[int, int] | None, day: date) -> bool:
    """Tell whether a birthday, as month and day, is celebrated on a date.

    Who was born on 29 February celebrates on the 28th of other years, inside the birthday month.
    """
    if birthday == (2, 29) and not _is_leap(day.year):
        return (day.month, day.day) == (2, 28)
    return birthday == (day.month, day.day)


def amount_of(lines: Sequence[FactLine]) -> int:
    """Return what some lines cost together, in fen."""
    return sum(line.amount_fen for line in lines)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
