"""Keeping what members bought: narrow rows that say of each order what its refunds left, and whose it is now.

The rows of an order are written anew from the order whatever happened to it, so that an event that comes twice, late
or out of order leaves the same. Members are held before orders, as where purchases are recorded.
"""

from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    FromClause,
    Select,
    String,
    and_,
    cast,
    column,
    delete,
    func,
    insert,
    or_,
    select,
    true,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from loyalty.kernel.business_days import day_of
from loyalty.members.models import Member
from loyalty.orders.models import Order, Refund
from loyalty.orders.rules import RefundState
from loyalty.segments.models import MemberPurchase, MemberPurchaseLine, MemberPurchaseTotal

_QUIETLY = {"synchronize_session": False}


def write_purchases(session: Session, *, order_ids: Collection[int], zone: ZoneInfo) -> None:
    """Write the rows of orders anew; the caller holds the orders and the members to whom they belong."""
    for table in (MemberPurchase, MemberPurchaseLine):
        session.execute(delete(table).where(table.order_id.in_(order_ids)), execution_options=_QUIETLY)
    session.execute(insert(MemberPurchase).from_select(_COLUMNS, _purchases(order_ids, zone)))
    session.execute(insert(MemberPurchaseLine).from_select(_LINE_COLUMNS, _lines(order_ids)))


def sum_up(session: Session, *, member_ids: Collection[int]) -> None:
    """Write what members bought in all anew; the caller holds the members."""
    mine = MemberPurchase.member_id.in_(member_ids)
    total = MemberPurchaseTotal
    sums = (
        select(
            MemberPurchase.member_id,
            func.count(),
            cast(func.sum(MemberPurchase.net_fen), BigInteger),
            func.max(MemberPurchase.bought_on),
        )
        .where(mine)
        .group_by(MemberPurchase.member_id)
    )
    placed = upsert(total).from_select(["member_id", "purchases", "net_fen", "last_bought_on"], sums)
    changed = {name: placed.excluded[name] for name in ("purchases", "net_fen", "last_bought_on")}
    session.execute(placed.on_conflict_do_update(index_elements=["member_id"], set_=changed))
    has_none = ~select(MemberPurchase.order_id).where(MemberPurchase.member_id == total.member_id).exists()
    session.execute(delete(total).where(total.member_id.in_(member_ids), has_none), execution_options=_QUIETLY)


_COLUMNS = ["order_id", "member_id", "bought_on", "store_id", "channel", "net_fen"]
_LINE_COLUMNS = ["order_id", "line_number", "member_id", "bought_on", "category", "sku", "net_fen"]


def _purchases(order_ids: Collection[int], zone: ZoneInfo) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Order.id,
            func.coalesce(Member.merged_into_id, Member.id),
            day_of(Order.paid_at, zone),
            Order.store_id,
            Order.channel,
            Order.amount_fen - Order.refunded_fen,
        )
        .join(Member, Member.id == Order.member_id)
        .where(Order.id.in_(order_ids), ~Order.is_refunded)
    )


def _lines(order_ids: Collection[int]) -> Select[Any]:
    """Select the lines of purchases that were just written, less what refunds that count returned of them."""
    line, returned = _rows_of(Order.lines, "line"), _returned(order_ids)
    quantity = line.c.quantity - func.coalesce(returned.c.quantity, 0)
    net_fen = line.c.amount_fen - func.coalesce(returned.c.amount_fen, 0)
    is_same = and_(returned.c.order_id == Order.id, returned.c.line_number == line.c.line_number)
    return (
        select(
            Order.id, line.c.line_number, MemberPurchase.member_id, MemberPurchase.bought_on,
            line.c.category, line.c.sku, net_fen,
        )
        .join(MemberPurchase, MemberPurchase.order_id == Order.id)
        .join(line, true())
        .outerjoin(returned, is_same)
        .where(Order.id.in_(order_ids), or_(quantity > 0, net_fen > 0))
    )  # fmt: skip


def _returned(order_ids: Collection[int]) -> FromClause:
    line = _rows_of(Refund.lines, "returned_line")
    return (
        select(
            Refund.order_id,
            line.c.line_number,
            cast(func.sum(line.c.quantity), BigInteger).label("quantity"),
            cast(func.sum(line.c.amount_fen), BigInteger).label("amount_fen"),
        )
        .join(line, true())
        .where(Refund.order_id.in_(order_ids), Refund.state == RefundState.APPLIED)
        .group_by(Refund.order_id, line.c.line_number)
        .subquery("returned")
    )


def _rows_of(lines: Any, name: str) -> Any:
    numbers = (column(each, BigInteger) for each in ("line_number", "quantity", "amount_fen"))
    words = (column(each, String) for each in ("category", "sku"))
    rows = func.jsonb_to_recordset(lines).table_valued(*numbers, *words, name=name)
    return rows.render_derived(with_types=True).lateral()
