"""Samples: a basket that meets all of a template's terms, to show what it takes off before anybody gets a coupon."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from loyalty.coupons.rules.basket import Basket
from loyalty.coupons.rules.terms import FixedDates, FixedPrice, Terms
from loyalty.kernel.local_time import LocalTime
from loyalty.orders.rules import Line

_WEEK = [date(2024, 1, 1) + timedelta(days=days) for days in range(7)]
"""Days of issue: one of each weekday."""
_AT = datetime(2024, 1, 1, tzinfo=UTC)
_AMOUNT_FEN = 100_00


def has_day_of_use(terms: Terms) -> bool:
    """Tell whether every coupon has a day on which it holds, whatever weekday it is issued on."""
    return all(_day_of_use(terms, issued_on) is not None for issued_on in _WEEK)


def sample_of(terms: Terms) -> Basket:
    """Return a basket that meets every term, on the first day that can be."""
    scope, hours = terms.scope, terms.windows.hours
    needed_fen = terms.worth.price_fen + _AMOUNT_FEN if isinstance(terms.worth, FixedPrice) else _AMOUNT_FEN
    line = Line(
        line_number=1,
        sku=min(scope.skus, default=_other_than(scope.excluded_skus)),
        category="" if scope.skus else min(scope.categories, default=_other_than(scope.excluded_categories)),
        quantity=1,
        amount_fen=max(terms.threshold_fen, needed_fen),
    )
    return Basket(
        store_id=min(scope.included_nodes, default=None),
        region_id=None,
        channel=min(scope.channels, default="sample"),
        lines=(line,),
        local=LocalTime(_day_of_use(terms, _WEEK[0]) or _WEEK[0], hours[0].from_minute if hours else 0),
        at=_AT,
    )


def _day_of_use(terms: Terms, issued_on: date) -> date | None:
    wanted = terms.windows.weekdays
    return next((day for day in _days(terms, issued_on) if not wanted or day.isoweekday() in wanted), None)


def _days(terms: Terms, issued_on: date) -> Iterator[date]:
    validity = terms.validity
    if isinstance(validity, FixedDates):
        first, days = validity.first_on, (validity.last_on - validity.first_on).days + 1
    else:
        first, days = issued_on + timedelta(days=validity.delay_days), validity.days
    yield from (first + timedelta(days=offset) for offset in range(min(days, len(_WEEK))))


def _other_than(excluded: frozenset[str]) -> str:
    return next(name for name in (f"sample-{number}" for number in range(len(excluded) + 1)) if name not in excluded)
