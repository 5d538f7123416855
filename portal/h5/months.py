"""Months in addresses and on pages: ``?month=2026-03`` is 2026年3月, and anything else is no month."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

YEARS = range(2000, 2100)
"""Whose months are shown; each has neighbours on both sides."""


@dataclass(frozen=True, slots=True)
class Month:
    """A month with its neighbours; there is no next one beyond the present."""

    first: date
    title: str
    text: str
    previous: str
    following: str | None


def read_month(text: str | None) -> date | None:
    """Return the first day of the month that an address names, or nothing."""
    try:
        month = datetime.strptime(text or "", "%Y-%m").date()  # noqa: DTZ007 - a month, not an instant
    except ValueError:
        return None
    return month if month.year in YEARS else None


def month_of(day: date, *, today: date) -> Month:
    """Return the month of a day."""
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Month(
        first=first,
        title=f"{first.year}年{first.month}月",
        text=f"{first:%Y-%m}",
        previous=f"{first - timedelta(days=1):%Y-%m}",
        following=f"{following:%Y-%m}" if following <= today else None,
    )
