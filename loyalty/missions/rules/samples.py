"""Samples: the best that anybody could do, to see whether a mission can be done before members try."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from loyalty.kernel.clock import business_date, last_day_before
from loyalty.missions.rules.counting import Act, count, period_of, progress_of
from loyalty.missions.rules.terms import ONCE_A_DAY, ONCE_IN_A_LIFE, Terms

DAYS_TRIED = 400
"""More than the longest streak that may be asked for."""
_ANY_MONDAY = date(2024, 1, 1)


def furthest(terms: Terms, zone: ZoneInfo) -> int:
    """Return how far the busiest member comes in the best period of a mission's window."""
    done: dict[str, dict[date, int]] = {}
    for day in _days(terms, zone):
        done.setdefault(period_of(terms.period, day), {})[day] = _most_of(terms, day)
    return max((progress_of(terms.measure, by_day) for by_day in done.values()), default=0)


def _days(terms: Terms, zone: ZoneInfo) -> Iterator[date]:
    first = business_date(terms.starts_at, zone) if terms.starts_at is not None else None
    last = last_day_before(terms.ends_at, zone) if terms.ends_at is not None else None
    if first is None:
        first = _ANY_MONDAY if last is None else last - timedelta(days=DAYS_TRIED - 1)
    tried = 1 if terms.event in ONCE_IN_A_LIFE else DAYS_TRIED
    for offset in range(tried):
        day = first + timedelta(days=offset)
        if last is not None and day > last:
            return
        yield day


def _most_of(terms: Terms, day: date) -> int:
    """Return what the most events of one day count for; each purchase is as large as it needs to be."""
    target = terms.steps[-1].target
    act = Act(day, min(terms.tier_levels, default=0), amount_fen=max(target, terms.minimum_amount_fen))
    is_single = terms.event in ONCE_A_DAY | ONCE_IN_A_LIFE
    return count(terms, act).amount * (1 if is_single else target)
