"""Entries of a statement: newest first, narrowed by kind and by the period in which they were booked."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, DateTime, FromClause, Integer, Select, Subquery, bindparam, select, true, union_all
from sqlalchemy.orm import Session

from loyalty.kernel.clock import start_of
from loyalty.kernel.database import AnyRow, Json
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.points.explanations import sentence
from loyalty.points.posting import ENTRIES, table_of
from loyalty.points.rules import EntryKind
from loyalty.points.statement.periods import SLACK, ids_of_period
from loyalty.stores.models import Store

MEMBERS, STORES = table_of(Member), table_of(Store)
ENTRY_COLUMNS = (
    ENTRIES.c.id,
    ENTRIES.c.kind,
    ENTRIES.c.points,
    ENTRIES.c.balance_after,
    ENTRIES.c.occurred_at,
    ENTRIES.c.recorded_at,
    ENTRIES.c.explanation,
    ENTRIES.c.store_id,
)
"""What ``read_entry`` reads, beside the name of the store."""

_AFTER_ALL_ENTRIES = 2**63 - 1


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of a member's statement (积分明细).

    ``occurred_at`` is when the member bought or tapped, ``recorded_at`` when it was booked (入账): a till that was
    offline reports late.
    """

    id: int
    kind: EntryKind
    points: int
    balance_after: int
    occurred_at: datetime
    recorded_at: datetime
    reason: str
    explanation: Json
    store_name: str | None


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from ``since`` to just before ``until``."""

    since: datetime
    until: datetime


def month_period(month: date, zone: ZoneInfo) -> Period:
    """Return the month of a business date."""
    first = month.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Period(start_of(first, zone), start_of(following, zone))


def owners() -> Subquery:
    """Return the member and whoever was merged into it: their entries are one statement."""
    member_id = bindparam("member_id", type_=BigInteger)
    return union_all(
        select(member_id.label("id")), select(MEMBERS.c.id).where(MEMBERS.c.merged_into_id == member_id)
    ).subquery("owners")


def list_entries(
    session: Session,
    *,
    member_id: int,
    kinds: Collection[EntryKind] = (),
    period: Period | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[EntryView]:
    """Return a page of a member's statement, newest first, with what members merged into this one had.

    ``period`` is about when entries were booked, so that the balances of a month's first and last line bracket it.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    size = max(1, min(limit, PAGE_SIZE_MAX))
    values: dict[str, Any] = {
        "member_id": member_id,
        "before_id": decode_cursor(cursor) or _AFTER_ALL_ENTRIES,
        "row_limit": size + 1,
    }
    if kinds:
        values["kinds"] = list(kinds)
    if period is not None:
        values |= {"since": period.since, "until": period.until}
        values |= {"search_since": period.since - SLACK, "search_until": period.until + SLACK}
    rows = session.execute(_statement(has_kinds=bool(kinds), has_period=period is not None), values)
    return page_of([read_entry(row) for row in rows], limit=size, id_of=lambda view: view.id)


def read_entry(row: AnyRow) -> EntryView:
    """Read the columns of an entry, with its reason in Chinese."""
    return EntryView(
        id=row.id,
        kind=EntryKind(row.kind),
        points=row.points,
        balance_after=row.balance_after,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        reason=sentence(kind=row.kind, points=row.points, explanation=row.explanation),
        explanation=row.explanation,
        store_name=row.store_name,
    )


@cache
def _statement(*, has_kinds: bool, has_period: bool) -> Select[Any]:
    """Each owner gives a page's worth of lines by its own index; the newest of them are the page."""
    who, entry = owners(), ENTRIES.c
    limit = bindparam("row_limit", type_=Integer)
    own = select(*ENTRY_COLUMNS).where(entry.member_id == who.c.id, entry.id < bindparam("before_id", type_=BigInteger))
    joined: FromClause = who
    if has_kinds:
        own = own.where(entry.kind.in_(bindparam("kinds", expanding=True)))
    if has_period:
        period = ids_of_period(who)
        joined = who.join(period, period.c.member_id == who.c.id)
        own = own.where(
            entry.id > period.c.after_id,
            entry.id < period.c.until_id,
            entry.recorded_at >= bindparam("since", type_=DateTime(timezone=True)),
            entry.recorded_at < bindparam("until", type_=DateTime(timezone=True)),
        )
    lines = own.order_by(entry.id.desc()).limit(limit).lateral("lines")
    return (
        select(*lines.c, STORES.c.name.label("store_name"))
        .select_from(joined.join(lines, true()).outerjoin(STORES, STORES.c.id == lines.c.store_id))
        .order_by(lines.c.id.desc())
        .limit(limit)
    )
