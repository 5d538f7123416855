"""Recording refunds (退款): under the lock of their order, which is made when it has not come yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.errors import InvariantBroken
from loyalty.orders.models import Order, Refund
from loyalty.orders.queries import OrderView, RefundView, find_order, lines_left_of, list_refunds
from loyalty.orders.rules import (
    Line,
    OrderStoreNotFound,
    RefundExceedsOrder,
    RefundNumberReused,
    RefundReport,
    RefundState,
    amount_of,
    check_refund,
    is_empty,
    to_json,
)
from loyalty.orders.service.purchases import lock_order
from loyalty.stores.models import Store


@dataclass(frozen=True, slots=True)
class RecordedRefund:
    """What became of a reported refund, and what is left of its order after it."""

    refund_id: int
    order_id: int | None
    """Empty while the purchase has not come; the refund is kept and applied then."""
    member_id: int | None
    lines_left: tuple[Line, ...]
    is_replay: bool = False


def record_refund(session: Session, *, refund: RefundReport, at: datetime) -> RecordedRefund:
    """Record a refund once by its source and number (退款上报), and hold its order until the transaction ends.

    The same report again is a replay. A refund whose purchase is not known yet is kept.

    Raises:
        InvalidOrder: the report makes no sense.
        OrderStoreNotFound: there is no such store.
        RefundNumberReused: the number has other content.
        RefundExceedsOrder: with earlier refunds it returns more of a line than it holds.
    """
    check_refund(refund, at=at)
    if refund.store_id is not None and not session.scalar(select(exists().where(Store.id == refund.store_id))):
        raise OrderStoreNotFound(store_id=refund.store_id)
    order = lock_order(session, order_id=_order_id(session, refund, at))
    refund_id = _insert(session, refund, order, at)
    if refund_id is None:
        return _replay(session, refund, order)
    if order.member_id is None:
        return RecordedRefund(refund_id, None, None, ())
    return RecordedRefund(refund_id, order.id, order.member_id, _reduce(session, order, refund_id, at))


def apply_waiting(session: Session, *, order_id: int, at: datetime) -> Sequence[RecordedRefund]:
    """Apply the refunds that came before their purchase, the earliest first; return those that count now.

    One that returns more than the purchase holds is refused and stays on record.
    """
    order = lock_order(session, order_id=order_id)
    applied = []
    for waiting in list_refunds(session, order_id=order_id):
        if waiting.state is RefundState.WAITING and (left := _applied(session, order, waiting, at)) is not None:
            applied.append(RecordedRefund(waiting.id, order.id, order.member_id, left))
    return applied


def _order_id(session: Session, refund: RefundReport, at: datetime) -> int:
    found = find_order(session, source=refund.source, order_number=refund.order_number)
    if found is None:
        session.execute(
            insert(Order)
            .values(source=refund.source, order_number=refund.order_number, version=0, lines=[], recorded_at=at)
            .on_conflict_do_nothing()
        )
        found = find_order(session, source=refund.source, order_number=refund.order_number)
    if found is None:
        raise InvariantBroken(f"order {refund.order_number} is neither new nor known")
    return found.id


def _insert(session: Session, refund: RefundReport, order: OrderView, at: datetime) -> int | None:
    return session.execute(
        insert(Refund)
        .values(
            source=refund.source,
            refund_number=refund.refund_number,
            order_id=order.id,
            member_id=order.member_id,
            store_id=refund.store_id,
            refunded_at=refund.refunded_at,
            amount_fen=sum(line.amount_fen for line in refund.lines),
            lines=to_json(refund.lines),
            state=RefundState.WAITING if order.member_id is None else RefundState.APPLIED,
            recorded_at=at,
        )
        .on_conflict_do_nothing()
        .returning(Refund.id)
    ).scalar()


def _replay(session: Session, refund: RefundReport, order: OrderView) -> RecordedRefund:
    known = next(
        (each for each in list_refunds(session, order_id=order.id) if each.refund_number == refund.refund_number), None
    )
    reported = (refund.refunded_at, refund.store_id, refund.lines)
    if known is None or (known.refunded_at, known.store_id, known.lines) != reported:
        raise RefundNumberReused(refund_number=refund.refund_number)
    if order.member_id is None:
        return RecordedRefund(known.id, None, None, (), is_replay=True)
    return RecordedRefund(known.id, order.id, order.member_id, lines_left_of(session, order=order), is_replay=True)


def _applied(session: Session, order: OrderView, waiting: RefundView, at: datetime) -> tuple[Line, ...] | None:
    try:
        lines_left_of(session, order=order, and_less=waiting.lines)
    except RefundExceedsOrder:
        session.execute(update(Refund).where(Refund.id == waiting.id).values(state=RefundState.REFUSED))
        return None
    values = {"state": RefundState.APPLIED, "member_id": order.member_id}
    session.execute(update(Refund).where(Refund.id == waiting.id).values(**values))
    return _reduce(session, order, waiting.id, at)


def _reduce(session: Session, order: OrderView, refund_id: int, at: datetime) -> tuple[Line, ...]:
    left = lines_left_of(session, order=order)
    values = {"refunded_fen": order.amount_fen - amount_of(left), "is_refunded": is_empty(left)}
    session.execute(update(Order).where(Order.id == order.id).values(**values))
    told = {"order_id": order.id, "member_id": order.member_id, "refund_id": refund_id}
    outbox.record(session, "order.refunded", told, at=at)
    return left
