"""Occurrences (场次): on which days, and at which instants, a recurring campaign begins again."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.campaigns.rules.terms import Recurring, Repetition
from loyalty.kernel.clock import business_date

DAYS_LOOKED_AHEAD = 366


def falls_on(trigger: Recurring, day: date) -> bool:
    """Tell whether a recurring campaign begins again on a business date."""
    match trigger.repetition:
        case Repetition.WEEKLY:
            return day.isoweekday() in trigger.days
        case Repetition.MONTHLY:
            return day.day in trigger.days
    return True


def occurrences(
    trigger: Recurring, *, since: datetime, until: datetime | None, zone: ZoneInfo
) -> Iterator[tuple[date, datetime]]:
    """Yield the business dates and instants from ``since`` on and before ``until``, of a year at most."""
    first = business_date(since, zone)
    for ahead in range(DAYS_LOOKED_AHEAD + 1):
        day = first + timedelta(days=ahead)
        begins_at = datetime.combine(day, trigger.at, zone)
        if until is not None and begins_at >= until:
            return
        if falls_on(trigger, day) and begins_at >= since:
            yield day, begins_at
