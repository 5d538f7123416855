"""Counting (计数): in which period an event falls, what it counts for, and how far all that counted comes.

The form's check, the service and the preview use these same functions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from loyalty.limits.rules import TOTAL, day_of, last_day_of, week_of
from loyalty.missions.rules.terms import Measure, Period, Terms

CLAIM_DAYS = 7
"""How many days after its period, or after the mission's end, what was reached can still be claimed."""
_DAY = timedelta(days=1)


class MissReason(StrEnum):
    """Why an event of a running mission does not count for it."""

    TIER = "tier"
    MINIMUM = "minimum"
    """Less was paid in money than a purchase must have paid."""
    REFUNDED = "refunded"
    REVERSED = "reversed"
    """The invitation was taken back."""
    MADE_UP = "made_up"
    """A day that was made up heals streaks, and is nothing that was done on that day."""


@dataclass(frozen=True, slots=True)
class Act:
    """What is known of an event when it is counted."""

    on: date
    tier_level: int
    amount_fen: int = 0
    """What is left of a purchase in money."""
    is_refunded: bool = False
    """Nothing is left of the purchase."""
    is_reversed: bool = False
    """The invitation was taken back."""
    is_made_up: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """What an event counts for: times, fen or a day; or nothing, and why."""

    amount: int
    missed: MissReason | None = None


def period_of(period: Period, on: date) -> str:
    """Return the period in which a business date falls, as rows keep it."""
    if period is Period.DAILY:
        return day_of(on)
    return week_of(on) if period is Period.WEEKLY else TOTAL


def claimable_until(period: str, mission_last_on: date | None) -> date | None:
    """Return the last business date on which what was reached in a period can be claimed; None while it goes on."""
    ends = [day for day in (last_day_of(period), mission_last_on) if day is not None]
    return min(ends) + CLAIM_DAYS * _DAY if ends else None


def count(terms: Terms, act: Act) -> Counted:
    """Return what an event counts for a mission."""
    missed = _miss(terms, act)
    if missed is not None:
        return Counted(0, missed)
    return Counted(act.amount_fen if terms.measure is Measure.AMOUNT else 1)


def progress_of(measure: Measure, by_day: Mapping[date, int]) -> int:
    """Return how far somebody is, from what counted on each business date."""
    if measure in (Measure.TIMES, Measure.AMOUNT):
        return sum(by_day.values())
    days = [day for day, amount in by_day.items() if amount]
    return len(days) if measure is Measure.DAYS else longest_run(days)


def longest_run(days: Iterable[date]) -> int:
    """Return the most days in a row, over the ends of months and years."""
    longest = run = 0
    before: date | None = None
    for day in sorted(days):
        run = run + 1 if before is not None and day - before == _DAY else 1
        before, longest = day, max(longest, run)
    return longest


def _miss(terms: Terms, act: Act) -> MissReason | None:
    if terms.tier_levels and act.tier_level not in terms.tier_levels:
        return MissReason.TIER
    if act.is_made_up and terms.measure is not Measure.STREAK:
        return MissReason.MADE_UP
    if act.is_refunded:
        return MissReason.REFUNDED
    if act.is_reversed:
        return MissReason.REVERSED
    return MissReason.MINIMUM if act.amount_fen < terms.minimum_amount_fen else None
