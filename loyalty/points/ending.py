"""Ending lots (临期批次): who has lots that end in a while, and what shows that they know.

Members are found by two indexes in ascending order, a page at a time: lots with an instant of expiry, and lots that
live on with their member's activity. Statements about a page are built once and take what ``page_of`` returns.
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
    DateTime,
    Select,
    String,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    select,
    union,
)
from sqlalchemy.orm import Session

from loyalty.points.expiry_models import LotEvidence, LotGrace, LotWarning
from loyalty.points.lifetimes import ends_at
from loyalty.points.posting import ACCOUNTS, LOTS, parameter, parameters, table_of

WARNINGS, EVIDENCE, GRACES = map(table_of, (LotWarning, LotEvidence, LotGrace))
AT, UNTIL, _SINCE = (parameter(name, DateTime(timezone=True)) for name in ("at", "until", "since"))
_LIMIT = parameter("row_limit", BigInteger())
# Written out in the statement, so that it is planned for the members it has: a plan that PostgreSQL keeps would take
# any array for ten. Telling the transaction to keep none would plan every check of a foreign key anew as well.
_AFTER_ID = bindparam("given_after_id", type_=BigInteger, literal_execute=True)
_MEMBERS = cast(bindparam("given_members", type_=String, literal_execute=True), ARRAY(BigInteger))

ENDS_AT = ends_at(LOTS, ACCOUNTS)
"""When a lot of a joined account ends."""
_INSTANT: ColumnElement[Any] = literal_column("interval '1 microsecond'")
EXPIRES_ON: ColumnElement[date] = cast(func.timezone(parameter("zone", String()), ENDS_AT) - _INSTANT, Date)
"""The last business date before a lot of a joined account ends: the day that members are told."""


def page_of(member_ids: Sequence[int], *, zone: ZoneInfo, **values: Any) -> dict[str, Any]:
    """Return the parameters of a statement about the lots of these members."""
    return parameters({"members": _array(member_ids), "zone": zone.key, **values})


def list_members(
    session: Session, *, after_id: int, since: datetime | None, until: datetime, limit: int
) -> Sequence[int]:
    """Return the next members, in ascending order, some of whose lots end up to ``until`` and after ``since``."""
    values = {"after_id": after_id, "until": until, "row_limit": limit}
    if since is None:
        return session.scalars(_ENDED, parameters(values)).all()
    return session.scalars(_ENDING, parameters({**values, "since": since})).all()


def lock_members(session: Session, *, after_id: int, until: datetime, limit: int) -> Sequence[int]:
    """Hold the accounts of the next members some of whose lots end up to ``until``, in ascending order."""
    page = list_members(session, after_id=after_id, since=None, until=until, limit=limit)
    return session.scalars(_LOCK, parameters({"members": _array(page)})).all()


def lots_of_page(*columns: ColumnElement[Any]) -> Select[Any]:
    """Select columns of the lots of the page's members that hold points, their accounts joined."""
    return (
        select(*columns)
        .join_from(LOTS, ACCOUNTS, ACCOUNTS.c.member_id == LOTS.c.member_id)
        .where(LOTS.c.member_id == any_(_MEMBERS), LOTS.c.remaining > 0)
    )


def is_evident() -> ColumnElement[bool]:
    """Tell of lots whether it is recorded that their member was told of their last day."""
    return exists().where(
        EVIDENCE.c.member_id == LOTS.c.member_id,
        EVIDENCE.c.lot_id == LOTS.c.id,
        EVIDENCE.c.expires_on == EXPIRES_ON,
    )


def graces_count() -> ColumnElement[int]:
    """Return how many graces lots have had."""
    return (
        select(func.count())
        .select_from(GRACES)
        .where(GRACES.c.member_id == LOTS.c.member_id, GRACES.c.lot_id == LOTS.c.id)
        .scalar_subquery()
    )


def _array(member_ids: Sequence[int]) -> str:
    return f"{{{','.join(map(str, member_ids))}}}"


def _members(*, since: ColumnElement[datetime] | None = None) -> Select[Any]:
    member_id = LOTS.c.member_id
    dated = select(member_id).where(LOTS.c.expires_at <= UNTIL)
    idle = select(member_id).join_from(LOTS, ACCOUNTS, ACCOUNTS.c.member_id == member_id)
    idle = idle.where(LOTS.c.idle_days.is_not(None), UNTIL >= ENDS_AT)
    if since is not None:
        dated, idle = dated.where(LOTS.c.expires_at > since), idle.where(since < ENDS_AT)
    open_lots = and_(member_id > _AFTER_ID, LOTS.c.remaining > 0)
    pages = [
        found.where(open_lots).distinct().order_by(member_id).limit(_LIMIT).subquery(name)
        for name, found in (("dated", dated), ("idle", idle))
    ]
    both = union(*(select(page.c.member_id) for page in pages)).subquery("both")
    return select(both.c.member_id).order_by(both.c.member_id).limit(_LIMIT)


_ENDED, _ENDING = _members(), _members(since=_SINCE)
_LOCK = (
    select(ACCOUNTS.c.member_id)
    .where(ACCOUNTS.c.member_id == any_(_MEMBERS))
    .order_by(ACCOUNTS.c.member_id)
    .with_for_update(key_share=True)
)
