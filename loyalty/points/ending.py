"""Ending lots (临期批次): who has lots that end in a while, and what shows that they know.

Members are found by two indexes in ascending order, a page at a time: lots with an instant of expiry, and lots that
live on with their member's activity.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Select,
    and_,
    any_,
    cast,
    exists,
    func,
    literal,
    literal_column,
    select,
    text,
    union,
)
from sqlalchemy.orm import Session

from loyalty.points.expiry_models import LotEvidence, LotGrace, LotWarning
from loyalty.points.lifetimes import ends_at
from loyalty.points.posting import ACCOUNTS, LOTS, table_of

WARNINGS, EVIDENCE, GRACES = map(table_of, (LotWarning, LotEvidence, LotGrace))
ENDS_AT = ends_at(LOTS, ACCOUNTS)
"""When a lot of a joined account ends."""
_PLAN_ANEW = text("SET LOCAL plan_cache_mode = force_custom_plan")
_INSTANT: ColumnElement[Any] = literal_column("interval '1 microsecond'")


def last_day(instant: ColumnElement[Any], zone: ZoneInfo) -> ColumnElement[date]:
    """Return the last business date before an instant of expiry: the day that members are told."""
    return cast(func.timezone(literal(zone.key), instant) - _INSTANT, Date)


def list_members(
    session: Session, *, after_id: int, since: datetime | None, until: datetime, limit: int
) -> Sequence[int]:
    """Return the next members, in ascending order, some of whose lots end up to ``until`` and after ``since``.

    What the transaction asks about them next is planned for as many as they are: a plan that PostgreSQL keeps would
    take any array for ten of them.
    """
    session.execute(_PLAN_ANEW)
    return session.scalars(_members(after_id, since, until, limit)).all()


def lock_members(session: Session, *, after_id: int, until: datetime, limit: int) -> Sequence[int]:
    """Hold the accounts of the next members some of whose lots end up to ``until``, in ascending order."""
    page = list_members(session, after_id=after_id, since=None, until=until, limit=limit)
    return session.scalars(
        select(ACCOUNTS.c.member_id)
        .where(ACCOUNTS.c.member_id == _any_of(page))
        .order_by(ACCOUNTS.c.member_id)
        .with_for_update(key_share=True)
    ).all()


def lots_of(member_ids: Sequence[int], *columns: ColumnElement[Any]) -> Select[Any]:
    """Select columns of the members' lots that hold points, their accounts joined."""
    return (
        select(*columns)
        .join_from(LOTS, ACCOUNTS, ACCOUNTS.c.member_id == LOTS.c.member_id)
        .where(LOTS.c.member_id == _any_of(member_ids), LOTS.c.remaining > 0)
    )


def is_evident(expires_on: ColumnElement[date]) -> ColumnElement[bool]:
    """Tell of lots whether it is recorded that their member was told of this last day."""
    return exists().where(
        EVIDENCE.c.member_id == LOTS.c.member_id,
        EVIDENCE.c.lot_id == LOTS.c.id,
        EVIDENCE.c.expires_on == expires_on,
    )


def graces_count() -> ColumnElement[int]:
    """Return how many graces lots have had."""
    return (
        select(func.count())
        .select_from(GRACES)
        .where(GRACES.c.member_id == LOTS.c.member_id, GRACES.c.lot_id == LOTS.c.id)
        .scalar_subquery()
    )


def _any_of(member_ids: Sequence[int]) -> Any:
    """As one array: a parameter for each of hundreds of members costs more than what is done for them."""
    return any_(literal(list(member_ids), ARRAY(BigInteger)))


def _members(after_id: int, since: datetime | None, until: datetime, limit: int) -> Select[Any]:
    member_id = LOTS.c.member_id
    dated = select(member_id).where(LOTS.c.expires_at <= until)
    idle = select(member_id).join_from(LOTS, ACCOUNTS, ACCOUNTS.c.member_id == member_id)
    idle = idle.where(LOTS.c.idle_days.is_not(None), until >= ENDS_AT)
    if since is not None:
        dated, idle = dated.where(LOTS.c.expires_at > since), idle.where(since < ENDS_AT)
    open_lots = and_(member_id > after_id, LOTS.c.remaining > 0)
    pages = [
        found.where(open_lots).distinct().order_by(member_id).limit(limit).subquery(name)
        for name, found in (("dated", dated), ("idle", idle))
    ]
    both = union(*(select(page.c.member_id) for page in pages)).subquery("both")
    return select(both.c.member_id).order_by(both.c.member_id).limit(limit)
