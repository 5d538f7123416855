"""Business dates in SQL: the counterpart of ``clock.business_date``, ``start_of`` and ``end_of`` for columns."""

from datetime import date
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, cast, func
from sqlalchemy.orm import InstrumentedAttribute

from loyalty.kernel import clock

Moment: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any]


def day_of(moment: Moment, zone: ZoneInfo) -> ColumnElement[date]:
    """Return the business date of an instant."""
    return cast(func.timezone(zone.key, moment), Date)


def within(moment: Moment, first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    """Tell whether an instant falls on one of the days from the first to the last."""
    return (moment >= clock.start_of(first, zone)) & (moment < clock.end_of(last, zone))
