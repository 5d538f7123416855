"""Lifetimes of lots: the instant at which a lot's points expire, as one SQL expression.

Most lots carry it in ``expires_at``. Those that live on while their member is active carry days of inactivity
instead, reckoned from the account's last activity whenever it is asked, so that no activity ever rewrites a lot.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, literal_column, or_, select
from sqlalchemy.types import DateTime

from loyalty.points.models import Lot, PointsAccount

_INSTANT = DateTime(timezone=True)
_LOTS, _ACCOUNTS = Lot.__table__, PointsAccount.__table__
_A_DAY: ColumnElement[Any] = literal_column("interval '1 day'")


def ends_at(lot: FromClause, account: FromClause) -> ColumnElement[Any]:
    """Return when lots of joined accounts expire; null for never."""
    idle = _idle_ends_at(lot, account.c.last_activity_at)
    return case((lot.c.idle_days.is_(None), lot.c.expires_at), else_=func.least(lot.c.expires_at, idle))


def ends_after(lot: FromClause, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return when lots expire whose member is active at an instant, as one who spends is; null for never.

    This is the order of spending: it needs no account, and is the same whenever it is asked about a past instant.
    """
    return case(
        (lot.c.idle_days.is_(None), lot.c.expires_at), else_=func.least(lot.c.expires_at, _idle_ends_at(lot, at))
    )


def lives_at(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell of lots, without their account at hand, whether they have not expired at an instant."""
    account = _ACCOUNTS.alias("of_lot")
    activity = select(account.c.last_activity_at).where(account.c.member_id == _LOTS.c.member_id).scalar_subquery()
    is_dated_alive = or_(_LOTS.c.expires_at.is_(None), _LOTS.c.expires_at > at)
    # A case looks at the account only where it must.
    is_active = case((_LOTS.c.idle_days.is_(None), True), else_=_idle_ends_at(_LOTS, activity) > at)
    return and_(is_dated_alive, is_active)


def is_lapsed(lot: FromClause, account: FromClause, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell of lots of joined accounts whether inactivity alone has ended them."""
    return and_(
        lot.c.idle_days.is_not(None),
        _idle_ends_at(lot, account.c.last_activity_at) <= at,
        or_(lot.c.expires_at.is_(None), lot.c.expires_at > at),
    )


def _idle_ends_at(lot: FromClause, last_activity_at: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the end of the last day that inactivity leaves, in the zone of the lot's terms."""
    since = func.timezone(lot.c.idle_zone, func.greatest(last_activity_at, lot.c.opened_at))
    midnight = func.date_trunc(literal_column("'day'"), since)
    return func.timezone(lot.c.idle_zone, midnight + (lot.c.idle_days + literal_column("1")) * _A_DAY, type_=_INSTANT)
