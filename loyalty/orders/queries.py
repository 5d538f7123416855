"""Order queries: an order with its refunds, and a member's purchases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page, decode_cursor, page_of
from loyalty.members.queries import family_of
from loyalty.orders.models import Order, Refund
from loyalty.orders.rules import (
    Line,
    OrderNotFound,
    RefundLine,
    RefundState,
    Returned,
    lines_left,
    read_lines,
    read_refund_lines,
)


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund as it was reported, and whether it counts."""

    id: int
    refund_number: str
    state: RefundState
    refunded_at: datetime
    store_id: int | None
    amount_fen: int
    lines: tuple[RefundLine, ...]


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order in its latest version; ``version`` 0 is one whose purchase has not come."""

    id: int
    source: str
    order_number: str
    version: int
    member_id: int | None
    store_id: int | None
    channel: str | None
    paid_at: datetime | None
    amount_fen: int
    refunded_fen: int
    lines: tuple[Line, ...]
    is_refunded: bool
    recorded_at: datetime


def find_order(session: Session, *, source: str, order_number: str) -> OrderView | None:
    """Return an order by its natural key, or nothing."""
    row = session.scalar(select(Order).where(Order.source == source, Order.order_number == order_number))
    return None if row is None else _view(row)


def get_order(session: Session, *, order_id: int) -> OrderView:
    """Return an order.

    Raises:
        OrderNotFound: there is none with this id.
    """
    row = session.get(Order, order_id, populate_existing=True)
    if row is None:
        raise OrderNotFound(order_id=order_id)
    return _view(row)


def list_orders(
    session: Session,
    *,
    member_id: int,
    number: str = "",
    returned: Returned | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[OrderView]:
    """Return a page of a member's purchases, the last reported first, with those of members merged into this one.

    ``number`` is a part of the order's; ``since`` and ``until`` are about when it was paid.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    size = max(1, min(limit, PAGE_SIZE_MAX))
    query = select(Order).where(Order.member_id.in_(family_of(session, member_id=member_id))).order_by(Order.id.desc())
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Order.id < last_id)
    rows = session.scalars(query.where(*_wanted(number, returned, since, until)).limit(size + 1)).all()
    return page_of([_view(row) for row in rows], limit=size, id_of=lambda view: view.id)


def list_refunds(session: Session, *, order_id: int) -> Sequence[RefundView]:
    """Return the refunds of an order, in the order of the refunds themselves."""
    rows = session.scalars(
        select(Refund)
        .where(Refund.order_id == order_id)
        .order_by(Refund.refunded_at, Refund.id)
        .execution_options(populate_existing=True)
    )
    return [
        RefundView(
            id=row.id,
            refund_number=row.refund_number,
            state=RefundState(row.state),
            refunded_at=row.refunded_at,
            store_id=row.store_id,
            amount_fen=row.amount_fen,
            lines=read_refund_lines(row.lines),
        )
        for row in rows
    ]


def lines_left_of(session: Session, *, order: OrderView, and_less: Sequence[RefundLine] = ()) -> tuple[Line, ...]:
    """Return what the refunds that count leave of an order, and one more refund if it is given.

    Raises:
        RefundExceedsOrder: that one more returns what is not there.
    """
    applied = [each.lines for each in list_refunds(session, order_id=order.id) if each.state is RefundState.APPLIED]
    return lines_left(order.lines, [*applied, and_less])


def lines_around(session: Session, *, order: OrderView, refund_id: int) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Return what was left of an order before one of its refunds, and after it; the refunds counted as they came."""
    counted = [each for each in list_refunds(session, order_id=order.id) if each.state is RefundState.APPLIED]
    before = [each.lines for each in counted if each.id < refund_id]
    itself = [each.lines for each in counted if each.id == refund_id]
    return lines_left(order.lines, before), lines_left(order.lines, [*before, *itself])


def _wanted(
    number: str, returned: Returned | None, since: datetime | None, until: datetime | None
) -> Iterator[SQLColumnExpression[bool]]:
    if number:
        yield Order.order_number.icontains(number, autoescape=True)
    if returned is not None:
        yield {
            Returned.NOTHING: Order.refunded_fen == 0,
            Returned.PART: (Order.refunded_fen > 0) & ~Order.is_refunded,
            Returned.WHOLE: Order.is_refunded,
        }[returned]
    if since is not None:
        yield Order.paid_at >= since
    if until is not None:
        yield Order.paid_at < until


def _view(row: Order) -> OrderView:
    return OrderView(
        id=row.id,
        source=row.source,
        order_number=row.order_number,
        version=row.version,
        member_id=row.member_id,
        store_id=row.store_id,
        channel=row.channel,
        paid_at=row.paid_at,
        amount_fen=row.amount_fen,
        refunded_fen=row.refunded_fen,
        lines=read_lines(row.lines),
        is_refunded=row.is_refunded,
        recorded_at=row.recorded_at,
    )
