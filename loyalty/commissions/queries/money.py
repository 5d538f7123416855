"""What of orders was paid in money (实付), and what refunds leave of it: a page of orders in a few statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, and_, any_, bindparam, select
from sqlalchemy.orm import Session

from loyalty.checkout.deductions import Deductions
from loyalty.checkout.models import PointsPayment
from loyalty.checkout.queries import PaymentView
from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.rules.pricing import Discount
from loyalty.kernel.arrays import SentArray
from loyalty.orders.models import Order, Refund
from loyalty.orders.rules import Line, RefundLine, RefundState, lines_left, read_lines, read_refund_lines

ORDER_COLUMNS = (
    *(Order.id, Order.version, Order.member_id, Order.store_id, Order.paid_at, Order.lines),
    *(Order.refunded_fen, Order.is_refunded, Order.recorded_at),
)


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """An order, with what was paid in money for its lines, and what of that is left."""

    id: int
    version: int
    member_id: int
    store_id: int | None
    paid_at: datetime
    lines: tuple[Line, ...]
    lines_left: tuple[Line, ...]
    is_refunded: bool

    @property
    def has_refunds(self) -> bool:
        """Something of it was given back."""
        return self.lines_left != self.lines


def paid_orders(session: Session, *, order_ids: Collection[int]) -> Mapping[int, PaidOrder]:
    """Return what was paid for orders, as they are now."""
    rows = session.execute(select(*ORDER_COLUMNS).where(Order.id.in_(order_ids), Order.version > 0)).all()
    return in_money(session, rows=rows)


def in_money(session: Session, *, rows: Sequence[Any]) -> Mapping[int, PaidOrder]:
    """Return the same of rows that were read already."""
    ids = {"order_ids": [row.id for row in rows]}
    refunds = _refunds(session, ids) if any(row.refunded_fen for row in rows) else {}
    deductions = _deductions(session, ids)
    return {row.id: _paid(row, refunds.get(row.id, []), deductions.get(row.id)) for row in rows}


def _paid(row: Any, refunds: Sequence[Sequence[RefundLine]], taken_off: Deductions | None) -> PaidOrder:
    lines = read_lines(row.lines)
    left = lines_left(lines, refunds) if refunds else lines
    if taken_off is None:
        paid, paid_left = lines, left
    else:
        paid, paid_left = taken_off.money(lines, lines), taken_off.money(lines, left)
    return PaidOrder(row.id, row.version, row.member_id, row.store_id, row.paid_at, paid, paid_left, row.is_refunded)


def _refunds(session: Session, ids: Mapping[str, Any]) -> dict[int, list[Sequence[RefundLine]]]:
    found: dict[int, list[Sequence[RefundLine]]] = {}
    for row in session.execute(_REFUNDS, ids):
        found.setdefault(row.order_id, []).append(read_refund_lines(row.lines))
    return found


def _deductions(session: Session, ids: Mapping[str, Any]) -> dict[int, Deductions]:
    discounts: dict[int, list[Discount]] = {}
    for row in session.execute(_DISCOUNTS, ids):
        shares = tuple((line_number, fen) for line_number, fen in row.shares)
        discounts.setdefault(row.order_id, []).append(Discount(row.coupon_id, row.discount_fen, shares))
    payments = {row.order_id: PaymentView(**row._mapping) for row in session.execute(_PAYMENTS, ids)}
    return {
        order_id: Deductions(tuple(discounts.get(order_id, ())), payments.get(order_id))
        for order_id in discounts.keys() | payments.keys()
    }


_ANY = any_(bindparam("order_ids", type_=SentArray(BigInteger())))
_REFUNDS = (
    select(Refund.order_id, Refund.lines)
    .where(and_(Refund.order_id == _ANY, Refund.state == RefundState.APPLIED))
    .order_by(Refund.id)
)
_DISCOUNTS = (
    select(
        CouponRedemption.order_id, CouponRedemption.coupon_id, CouponRedemption.discount_fen, CouponRedemption.shares
    )
    .where(CouponRedemption.order_id == _ANY)
    .order_by(CouponRedemption.id)
)
_PAYMENTS = select(*(getattr(PointsPayment, field.name) for field in fields(PaymentView))).where(
    PointsPayment.order_id == _ANY
)
