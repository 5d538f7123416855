"""The clock on the wall: the business date and minute of an instant, and hours of the day (时段).

Hours may pass midnight; what happens after it belongs to the day on which they began.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.kernel.clock import business_date


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A business date and the minute of its day, as the clock on the wall shows them."""

    on: date
    minute: int


@dataclass(frozen=True, slots=True)
class Hours:
    """From one minute of the day until another, the latter left out; over midnight when it is the smaller."""

    from_minute: int
    until_minute: int


def local_time(at: datetime, zone: ZoneInfo) -> LocalTime:
    """Return the business date and minute of an instant in the programme's time zone."""
    wall = at.astimezone(zone)
    return LocalTime(business_date(at, zone), wall.hour * 60 + wall.minute)


def days_of_hours(hours: tuple[Hours, ...], on: date, minute: int) -> Iterator[date]:
    """Return the days to which a minute belongs by some hours: two, where those of the day before last into it.

    Without hours it belongs to its own day; outside all of them to none.
    """
    if not hours:
        yield on
    for one in hours:
        if one.from_minute < one.until_minute:
            if one.from_minute <= minute < one.until_minute:
                yield on
        elif minute >= one.from_minute:
            yield on
        elif minute < one.until_minute:
            yield on - timedelta(days=1)
