"""Refunds (退款): coupons come back, points that paid return to their lots, earnings are taken back, line by line."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.checkout.deductions import Deductions, deductions_of
from loyalty.checkout.models import PointsPayment
from loyalty.checkout.queries import current_policy
from loyalty.checkout.service.previews import fact_lines
from loyalty.coupons.service.reversing import return_coupon
from loyalty.earning import service as earning
from loyalty.members.queries import survivor_of
from loyalty.orders import queries as orders_queries
from loyalty.orders import service as orders
from loyalty.orders.queries import OrderView
from loyalty.orders.rules import Line, RefundReport, amount_of, is_empty
from loyalty.points import service as points
from loyalty.points.queries import find_posting, lock_account
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
    money_fen: int = 0
    """What is to be paid back in money, less what coupons and points had paid of it; refunds add up to the whole."""
    returned_coupon_ids: tuple[int, ...] = ()
    """Coupons that the member can use again, since nothing is left of the order."""
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
    taken_off = deductions_of(session, order_id=order.id)
    before, after = orders_queries.lines_around(session, order=order, refund_id=recorded.refund_id)
    returned = _return_points(session, order, taken_off, recorded.lines_left, cause, at, zone)
    coupon_ids = _return_coupons(session, order, taken_off, recorded.lines_left, cause, at, zone)
    settled = settle_order(
        session, order=order, taken_off=taken_off, lines_left=recorded.lines_left, cause=cause, at=at, zone=zone
    )
    return RefundOutcome(
        refund_id=recorded.refund_id,
        order_id=order.id,
        points_taken_back=settled.points_taken_back,
        points_returned=returned,
        money_fen=amount_of(taken_off.money(order.lines, before)) - amount_of(taken_off.money(order.lines, after)),
        returned_coupon_ids=coupon_ids,
        growth_taken_back=settled.growth_taken_back,
        debt=settled.debt,
        is_replay=recorded.is_replay,
    )


def settle_order(
    session: Session,
    *,
    order: OrderView,
    taken_off: Deductions,
    lines_left: tuple[Line, ...],
    cause: str,
    at: datetime,
    zone: ZoneInfo,
    is_correction: bool = False,
) -> earning.Settled:
    """Make what an order earned fit what is left of it in money."""
    assert order.member_id is not None
    return earning.settle(
        session,
        member_id=order.member_id,
        reference=order_reference(order.id),
        lines=fact_lines(taken_off.money(order.lines, lines_left)),
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
    order: OrderView,
    taken_off: Deductions,
    left: tuple[Line, ...],
    cause: str,
    at: datetime,
    zone: ZoneInfo,
) -> int:
    """Give back what points paid of the lines returned; first, so that the taking back finds them."""
    payment = taken_off.payment
    if payment is None or payment.entry_id is None:
        return 0
    known = find_posting(session, member_id=payment.member_id, kind=EntryKind.REVERSE, reference=f"{cause}:points")
    if known is not None:
        return known.points
    due = payment.points - taken_off.points_left(order.lines, left) - payment.returned_points
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
        explanation={"rule": "refund_of_points", "order_id": order.id},
    )
    returned = payment.returned_points + due
    session.execute(update(PointsPayment).where(PointsPayment.id == payment.id).values(returned_points=returned))
    earning.follow_merge(session, member_id=payment.member_id, cause=f"{cause}:points", at=at)
    return due


def _return_coupons(
    session: Session,
    order: OrderView,
    taken_off: Deductions,
    left: tuple[Line, ...],
    cause: str,
    at: datetime,
    zone: ZoneInfo,
) -> tuple[int, ...]:
    """Give back what coupons their terms let come back, once nothing is left; return those that this refund did."""
    if not taken_off.redemptions or not is_empty(left):
        return ()
    assert order.member_id is not None
    # Accounts come before coupons, and the earnings are settled after them.
    for member_id in sorted({order.member_id, survivor_of(session, member_id=order.member_id)}):
        lock_account(session, member_id=member_id)
    settled = [
        return_coupon(session, redemption_id=one.id, reference=cause, at=at, zone=zone, actor=order.source)
        for one in taken_off.redemptions
    ]
    return tuple(one.coupon_id for one in settled if one.reversal_reference == cause)
