"""The clock: the only place that reads the time of day.

Doors call ``now`` and pass the instant inwards as ``at``; nothing in the domain reads a clock. In a
trial all processes add one offset, kept in a small file, so that days can be skipped (快进).
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_INSTANT = timedelta(microseconds=1)


class Clock:
    """Aware UTC instants, plus the trial offset when a file of it is given."""

    def __init__(self, offset_file: Path | None = None) -> None:
        self._offset_file = offset_file

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC) + self._offset()

    def _offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta()
        try:
            return timedelta(seconds=int(self._offset_file.read_text() or "0"))
        except (FileNotFoundError, ValueError):
            return timedelta()


def business_date(at: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day (营业日) that ``at`` falls on in the programme's time zone."""
    return at.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, of a business date."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, that no longer belongs to a business date."""
    return start_of(day + timedelta(days=1), zone)


def last_day_before(end: datetime, zone: ZoneInfo) -> date:
    """Return the last business date of what is over at an instant: where that is midnight, the day before it."""
    return business_date(end - _INSTANT, zone)


def months_after(day: date, months: int) -> date:
    """Return the date so many months later; a day that the month does not have is its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
