"""Periods of limits, and how a ceiling is spread over buckets."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from loyalty.limits.rules import TOTAL, day_of, last_day_of, month_of, spread, week_of


@pytest.mark.parametrize(
    ("day", "week", "month"),
    [
        (date(2026, 3, 10), "2026-W11", "2026-03"),
        (date(2026, 1, 1), "2026-W01", "2026-01"),
        (date(2027, 1, 3), "2026-W53", "2027-01"),
        (date(2028, 2, 29), "2028-W09", "2028-02"),
    ],
)
def test_a_day_belongs_to_its_week_by_iso_and_to_its_month(day: date, week: str, month: str) -> None:
    assert (day_of(day), week_of(day), month_of(day)) == (day.isoformat(), week, month)


@pytest.mark.parametrize(
    ("period", "last"),
    [
        ("2026-03-10", date(2026, 3, 10)),
        ("2026-W11", date(2026, 3, 15)),
        ("2026-W53", date(2027, 1, 3)),
        ("2028-02", date(2028, 2, 29)),
        ("2026-12", date(2026, 12, 31)),
        (TOTAL, None),
    ],
)
def test_a_period_ends_on_its_last_day(period: str, last: date | None) -> None:
    assert last_day_of(period) == last


@given(room=some.integers(-5, 100_000), buckets=some.integers(2, 32))
def test_spreading_hands_out_exactly_what_is_left(room: int, buckets: int) -> None:
    shares = spread(room, buckets)

    assert len(shares) == buckets
    assert sum(shares) == max(0, room)
    assert min(shares) >= 0
