"""The statement of a key's stores (对账单): what was booked on a day, page by page.

By the instant of booking, so that a day that is over never changes. Whose points they are is not told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, func, select
from sqlalchemy.orm import Session

from loyalty.checkout.service.points_as_money import ledger_reference
from loyalty.kernel.clock import end_of, start_of
from loyalty.kernel.database import AnyRow
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.pagination import Page, decode_cursor, page_of
from loyalty.orders.models import Order, Refund
from loyalty.partners.queries import require_store, roots_of, stores_of
from loyalty.partners.rules.keys import PartnerCaller, own_reference
from loyalty.points.models import LedgerEntry
from loyalty.stores.models import Store

PAGE_SIZE_MAX = 500


class StatementDayInvalid(InvalidInput):
    """The day lies outside of what the calendar can count."""

    code = "statement_day_invalid"
    message = "对账日期不正确"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One booking (记账), for an order, a refund or a hold of this key where it was for one."""

    id: int
    kind: str
    points: int
    store_code: str
    order_number: str | None
    refund_number: str | None
    hold_reference: str | None
    occurred_at: datetime
    recorded_at: datetime


def list_bookings(
    session: Session,
    *,
    caller: PartnerCaller,
    on: date,
    store_code: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    zone: ZoneInfo,
) -> Page[StatementLine]:
    """Return a page of what was booked on a business date, oldest first; for all stores unless one is named.

    Raises:
        StoreNotFound: no open store of this key has the code.
        StatementDayInvalid: the day is beyond the calendar.
        InvalidCursor: the cursor was not made by us.
    """
    size = max(1, min(limit, PAGE_SIZE_MAX))
    stores: ColumnElement[bool] = LedgerEntry.store_id.in_(stores_of(roots_of(caller)))
    if store_code is not None:
        stores = LedgerEntry.store_id == require_store(session, caller=caller, code=store_code)
    page = (
        select(
            LedgerEntry.id,
            LedgerEntry.kind,
            LedgerEntry.points,
            LedgerEntry.store_id,
            LedgerEntry.reference,
            LedgerEntry.occurred_at,
            LedgerEntry.recorded_at,
        )
        .where(_within(on, zone), stores, LedgerEntry.id > (decode_cursor(cursor) or 0))
        .order_by(LedgerEntry.id)
        .limit(size + 1)
    )
    rows: Sequence[AnyRow] = session.execute(_named(page, caller)).all()
    return page_of([_line(row, caller) for row in rows], limit=size, id_of=lambda line: line.id)


def _within(on: date, zone: ZoneInfo) -> ColumnElement[bool]:
    try:
        return and_(LedgerEntry.recorded_at >= start_of(on, zone), LedgerEntry.recorded_at < end_of(on, zone))
    except OverflowError as error:
        raise StatementDayInvalid(on=on.isoformat()) from error


def _named(page: Select[*tuple[Any, ...]], caller: PartnerCaller) -> Select[*tuple[Any, ...]]:
    """Add the numbers under which this key reported what was booked; those of other keys stay unnamed."""
    entry = page.subquery("entry")
    refund_id = _number_in(entry.c.reference, "refund")
    order_id = func.coalesce(Refund.order_id, _number_in(entry.c.reference, "order|correction"))
    return (
        select(entry, Store.code.label("store_code"), Order.order_number, Refund.refund_number)
        .join_from(entry, Store, Store.id == entry.c.store_id)
        .outerjoin(Refund, and_(Refund.id == refund_id, Refund.source == caller.source))
        .outerjoin(Order, and_(Order.id == order_id, Order.source == caller.source))
        .order_by(entry.c.id)
    )


def _number_in(reference: ColumnElement[str], kinds: str) -> ColumnElement[int]:
    return cast(func.substring(reference, rf"^(?:{kinds}):(\d{{1,18}})(?::|$)"), BigInteger)


def _line(row: AnyRow, caller: PartnerCaller) -> StatementLine:
    own_holds = ledger_reference(own_reference(caller, ""))
    is_own_hold = row.reference.startswith(own_holds)
    return StatementLine(
        id=row.id,
        kind=row.kind,
        points=row.points,
        store_code=row.store_code,
        order_number=row.order_number,
        refund_number=row.refund_number,
        hold_reference=row.reference.removeprefix(own_holds) if is_own_hold else None,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
    )
