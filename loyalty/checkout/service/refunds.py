"""Refunds (退款): points that paid return to their lots, and what the order earned is taken back, line by line."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.checkout.models import PointsPayment
from loyalty.checkout.queries import current_policy, find_payment_of_order
from loyalty.checkout.rules import paid_in_money, points_left, spread
from loyalty.checkout.service.previews import fact_lines
from loyalty.earning import service as earning
from loyalty.orders import queries as orders_queries
from loyalty.orders import service as orders
from loyalty.orders.rules import Line, RefundReport
from loyalty.points import service as points
from loyalty.points.queries import find_posting
from loyalty.points.rules import EntryKind


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """What a refund came to; a replay tells what the first report came to, and what is owed by now."""

    refund_id: int
    order_id: int | None
    points_taken_back: int = 0
    """What of the order's points the refund undid, whatever the member still had."""
    points_returned: int = 0
    """What returned of the points that paid."""
    growth_taken_back: int = 0
    debt: int = 0
    is_waiting_for_purchase: bool = False
    is_replay: bool = False


def refund(session: Session, *, refund: RefundReport, at: datetime, zone: ZoneInfo) -> RefundOutcome:
    """Record a refund and undo what its purchase did, for the lines returned (退款).

    By the rules that paid and with the inputs of then; partial refunds add up to exactly the whole. A refund that
    comes before its purchase is kept until that comes.

    Raises:
        InvalidOrder, OrderStoreNotFound, RefundNumberReused, RefundExceedsOrder: as ``orders.record_refund``.
    """
    recorded = orders.record_refund(session, refund=refund, at=at)
    if recorded.order_id is None:
        return RefundOutcome(recorded.refund_id, None, is_waiting_for_purchase=True, is_replay=recorded.is_replay)
    return apply_refund(session, recorded=recorded, at=at, zone=zone)


def apply_refund(session: Session, *, recorded: orders.RecordedRefund, at: datetime, zone: ZoneInfo) -> RefundOutcome:
    """Undo what the lines of a recorded refund did; again, nothing happens twice."""
    assert recorded.order_id is not None
    cause = f"refund:{recorded.refund_id}"
    order = orders_queries.get_order(session, order_id=recorded.order_id)
    returned = _return_points(session, order.id, order.lines, recorded.lines_left, cause, at, zone)
    settled = settle_order(session, order_id=order.id, lines_left=recorded.lines_left, cause=cause, at=at, zone=zone)
    return RefundOutcome(
        refund_id=recorded.refund_id,
        order_id=order.id,
        points_taken_back=settled.points_taken_back,
        points_returned=returned,
        growth_taken_back=settled.growth_taken_back,
        debt=settled.debt,
        is_replay=recorded.is_replay,
    )


def settle_order(
    session: Session,
    *,
    order_id: int,
    lines_left: tuple[Line, ...],
    cause: str,
    at: datetime,
    zone: ZoneInfo,
    is_correction: bool = False,
) -> earning.Settled:
    """Make what an order earned fit what is left of it in money."""
    order = orders_queries.get_order(session, order_id=order_id)
    assert order.member_id is not None
    payment = find_payment_of_order(session, order_id=order_id)
    money = lines_left
    if payment is not None:
        spreads = spread(order.lines, points=payment.points, amount_fen=payment.amount_fen)
        money = paid_in_money(order.lines, lines_left, spreads)
    return earning.settle(
        session,
        member_id=order.member_id,
        reference=order_reference(order_id),
        lines=fact_lines(money),
        cause=cause,
        at=at,
        zone=zone,
        shortfall=current_policy(session).shortfall,
        is_correction=is_correction,
    )


def order_reference(order_id: int) -> str:
    """Return the reference of what an order earned: of its evaluation, its entry and its growth."""
    return f"order:{order_id}"


def _return_points(
    session: Session,
    order_id: int,
    lines: tuple[Line, ...],
    left: tuple[Line, ...],
    cause: str,
    at: datetime,
    zone: ZoneInfo,
) -> int:
    """Give back what points paid of the lines returned; first, so that the taking back finds them."""
    payment = find_payment_of_order(session, order_id=order_id)
    if payment is None or payment.entry_id is None:
        return 0
    known = find_posting(session, member_id=payment.member_id, kind=EntryKind.REVERSE, reference=f"{cause}:points")
    if known is not None:
        return known.points
    spreads = spread(lines, points=payment.points, amount_fen=payment.amount_fen)
    due = payment.points - points_left(lines, left, spreads) - payment.returned_points
    if due <= 0:
        return 0
    points.reverse(
        session,
        member_id=payment.member_id,
        entry_id=payment.entry_id,
        reference=f"{cause}:points",
        at=at,
        zone=zone,
        points=due,
        explanation={"rule": "refund_of_points", "order_id": order_id},
    )
    returned = payment.returned_points + due
    session.execute(update(PointsPayment).where(PointsPayment.id == payment.id).values(returned_points=returned))
    earning.follow_merge(session, member_id=payment.member_id, cause=f"{cause}:points", at=at)
    return due
