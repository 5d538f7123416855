"""The rows behind a figure (明细): what a board counts of one day, row by row, by the conditions it is counted by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, DateTime, FromClause, cast, func, literal_column, null, select
from sqlalchemy.orm import Session

from loyalty.kernel import clock
from loyalty.kernel.business_days import within
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.points.posting import ENTRIES
from loyalty.reports.rollups.figures import ONLINE
from loyalty.reports.rollups.sources import (
    CHECK_INS,
    COUPONS,
    ENTERED,
    HOME,
    MEMBERS,
    ORDERS,
    POINTS_OF,
    USES,
    Counted,
    acts_of_days,
    is_reached,
    is_used,
    of_home,
    stands,
)
from loyalty.stores.rules import StoreScope

_ONE = literal_column("1", BigInteger)
_Found = Callable[[date, ZoneInfo], Counted]


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One row that a figure counts."""

    id: int
    """Of the entry, coupon, use or order; of what campaigns gave its number in the day; else of the member, who counts
    once a day."""
    member_id: int
    at: datetime | None
    """Nothing for who was active: that may be several acts."""
    counts: int
    """By how much: 1, points or fen."""


def rows_of_day(
    session: Session,
    *,
    figure: str,
    scope: StoreScope,
    day: date,
    zone: ZoneInfo,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[FigureRow]:
    """Return what one of ``ROWS`` counts on a business date, the latest first; all pages add up to the figure.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    found = ROWS[figure](day, zone).subquery("found")
    row = found.c
    query = select(row.id, row.member_id, row.at, row.counts).order_by(row.id.desc()).limit(limit + 1)
    if not scope.is_chain_wide:
        query = query.where(row.store_id.in_(scope.store_ids))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(row.id < last_id)
    return page_of([FigureRow(*one) for one in session.execute(query)], limit=limit, id_of=lambda one: one.id)


def _points(name: str) -> _Found:
    sign, is_counted = POINTS_OF[name]

    def found(day: date, zone: ZoneInfo) -> Counted:
        entry = ENTRIES.c
        rows = _rows(entry.id, entry.member_id, HOME, entry.occurred_at, entry.points * sign, of_home(ENTRIES))
        # No entry occurs after it was recorded, but for clocks that differ: pages before the day are passed over.
        is_not_before = entry.recorded_at >= clock.start_of(day - timedelta(days=1), zone)
        return rows.where(is_counted, is_not_before, within(entry.occurred_at, day, day, zone))

    return found


def _new_members(day: date, zone: ZoneInfo) -> Counted:
    row = MEMBERS.c
    return _rows(row.id, row.id, HOME, row.enrolled_at, _ONE, MEMBERS).where(within(row.enrolled_at, day, day, zone))


def _active_members(day: date, zone: ZoneInfo) -> Counted:
    acts = acts_of_days(day, day, zone)
    return _rows(acts.c.member_id, acts.c.member_id, HOME, cast(null(), DateTime(True)), _ONE, of_home(acts))


def _check_ins(day: date, _zone: ZoneInfo) -> Counted:
    row = CHECK_INS.c
    rows = _rows(row.member_id, row.member_id, HOME, row.checked_in_at, _ONE, of_home(CHECK_INS))
    return rows.where(row.checked_in_on == day)


def _coupons_issued(day: date, zone: ZoneInfo) -> Counted:
    row = COUPONS.c
    rows = _rows(row.id, row.member_id, HOME, row.issued_at, _ONE, of_home(COUPONS))
    return rows.where(within(row.issued_at, day, day, zone))


def _coupons_used(day: date, zone: ZoneInfo) -> Counted:
    row = USES.c
    return _rows(row.id, row.member_id, _place(row.store_id), row.redeemed_at, _ONE, USES).where(
        is_used(day, day, zone)
    )


def _purchases(counts: ColumnElement[int]) -> _Found:
    def found(day: date, zone: ZoneInfo) -> Counted:
        row = ORDERS.c
        rows = _rows(row.id, row.member_id, _place(row.store_id), row.paid_at, counts, ORDERS)
        return rows.where(stands(day, day, zone))

    return found


def _campaign_reached(day: date, zone: ZoneInfo) -> Counted:
    row = ENTERED.c
    in_order = (row.done_at, row.campaign_id, row.member_id, row.occurrence)
    number = func.row_number().over(order_by=in_order)
    rows = _rows(number, row.member_id, _place(row.store_id), row.done_at, _ONE, ENTERED)
    return rows.where(is_reached(day, day, zone))


def _place(store_id: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(store_id, ONLINE)


def _rows(
    id_: ColumnElement[Any],
    member_id: ColumnElement[Any],
    store_id: ColumnElement[Any],
    at: ColumnElement[Any],
    counts: ColumnElement[Any],
    source: FromClause,
) -> Counted:
    columns = {"id": id_, "member_id": member_id, "store_id": store_id, "at": at, "counts": counts}
    rows: Counted = select(*(column.label(name) for name, column in columns.items())).select_from(source)
    return rows


ROWS: dict[str, _Found] = {
    **{name: _points(name) for name in POINTS_OF},
    "new_members": _new_members,
    "active_members": _active_members,
    "check_ins": _check_ins,
    "coupons_issued": _coupons_issued,
    "coupons_used": _coupons_used,
    "campaign_reached": _campaign_reached,
    "purchases": _purchases(_ONE),
    "purchases_fen": _purchases(ORDERS.c.amount_fen - ORDERS.c.refunded_fen),
}
"""The figures whose rows can be listed; what was paid and given with coupons stands in the list of their uses."""
