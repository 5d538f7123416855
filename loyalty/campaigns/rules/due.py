"""Due (到点): which run of a campaign should have begun by an instant."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from loyalty.campaigns.rules.occurrences import falls_on
from loyalty.campaigns.rules.terms import (
    At,
    BeforeExpiry,
    Birthday,
    Now,
    OnEvent,
    Recurring,
    Sleeping,
    Trigger,
    Visit,
)
from loyalty.campaigns.rules.works import ONCE, OPEN
from loyalty.kernel.clock import business_date


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run by its occurrence, and when it was to begin."""

    occurrence: str
    planned_for_at: datetime


def due_run(trigger: Trigger, *, started_at: datetime, at: datetime, zone: ZoneInfo) -> DueRun | None:
    """Return the run of a campaign, in force since an instant, that should have begun by another.

    Only the run of the present business date: days that were missed are not made up.
    """
    match trigger:
        case Now() | At():
            return DueRun(ONCE, started_at)
        case OnEvent() | Visit():
            return DueRun(OPEN, started_at)
        case Recurring() | Birthday() | Sleeping() | BeforeExpiry():
            return _of_today(trigger, started_at, at, zone)


def _of_today(
    trigger: Recurring | Birthday | Sleeping | BeforeExpiry, started_at: datetime, at: datetime, zone: ZoneInfo
) -> DueRun | None:
    today = business_date(at, zone)
    planned_for_at = datetime.combine(today, trigger.at, zone).astimezone(UTC)
    if isinstance(trigger, Recurring) and not falls_on(trigger, today):
        return None
    return DueRun(today.isoformat(), planned_for_at) if started_at <= planned_for_at <= at else None
