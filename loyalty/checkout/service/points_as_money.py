"""Points as money (积分抵现): quoted, set aside for an order, and taken when the order comes or let go."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from loyalty.checkout.models import PointsPayment
from loyalty.checkout.queries import PaymentView, current_policy, find_payment, find_payment_of_order
from loyalty.checkout.rules import (
    PointsPaymentNotFound,
    PointsPaymentRefused,
    PointsQuote,
    check_order,
    check_payment,
    quote,
    worth,
)
from loyalty.kernel.database import Json
from loyalty.members.queries import check_can_spend
from loyalty.points import service as points_service
from loyalty.points.queries import summary
from loyalty.points.rules import HoldReferenceReused


@dataclass(frozen=True, slots=True)
class PointsHold:
    """Points set aside for an order, and what they are worth."""

    reference: str
    points: int
    amount_fen: int
    expires_at: datetime
    is_replay: bool = False


def quote_points(session: Session, *, member_id: int, amount_fen: int, at: datetime) -> PointsQuote:
    """Return how many of a member's points may pay for an order of this amount (可抵现积分).

    Raises:
        PointsNotAccepted: points do not pay for purchases.
        MemberNotFound, MemberGone, MemberProvisional: the member may not spend.
    """
    check_can_spend(session, member_id=member_id)
    available = summary(session, member_id=member_id, at=at).available
    return quote(current_policy(session), amount_fen=amount_fen, available=available)


def hold_points(
    session: Session,
    *,
    member_id: int,
    points: int,
    amount_fen: int,
    reference: str,
    at: datetime,
    store_id: int | None = None,
    actor: str = "system",
) -> PointsHold:
    """Set points aside for an order of ``amount_fen`` (冻结抵现积分); what they are worth is fixed by this.

    The same reference and figures again are a replay, whatever became of the points.

    Raises:
        PointsNotAccepted: points do not pay for purchases.
        PointsPaymentRefused: they are no whole steps, or more than the order allows.
        HoldReferenceReused: the reference stands for other points or another order.
        InsufficientPoints: the member has fewer available.
        MemberNotFound, MemberGone, MemberProvisional: the member may not spend.
    """
    check_can_spend(session, member_id=member_id)
    known = find_payment(session, member_id=member_id, reference=reference)
    if known is not None:
        return _replay(known, points, amount_fen)
    policy = current_policy(session)
    check_payment(policy, points=points, amount_fen=amount_fen)
    held = PointsHold(reference, points, worth(policy, points), at + timedelta(minutes=policy.hold_minutes))
    _place(session, member_id, held, store_id, actor, at)
    # Whoever came at once with the same reference has waited for the account and committed by now.
    known = find_payment(session, member_id=member_id, reference=reference)
    if known is not None:
        return _replay(known, points, amount_fen)
    _keep(session, member_id, held, amount_fen, at)
    return held


def _place(session: Session, member_id: int, held: PointsHold, store_id: int | None, actor: str, at: datetime) -> None:
    points_service.place(
        session,
        member_id=member_id,
        points=held.points,
        reference=ledger_reference(held.reference),
        expires_at=held.expires_at,
        at=at,
        store_id=store_id,
        actor=actor,
    )


def _keep(session: Session, member_id: int, held: PointsHold, order_amount_fen: int, at: datetime) -> None:
    session.execute(
        insert(PointsPayment).values(
            member_id=member_id,
            reference=held.reference,
            points=held.points,
            amount_fen=held.amount_fen,
            order_amount_fen=order_amount_fen,
            held_at=at,
            expires_at=held.expires_at,
        )
    )


def release_points(session: Session, *, member_id: int, reference: str, at: datetime) -> None:
    """Let go of points set aside for an order that was not paid (解冻); again, nothing happens.

    Raises:
        PointsPaymentNotFound: nothing was set aside under this reference.
        HoldClosed: they paid for an order.
    """
    known = find_payment(session, member_id=member_id, reference=reference)
    if known is None:
        raise PointsPaymentNotFound(reference=reference)
    points_service.release(session, member_id=member_id, reference=ledger_reference(reference), at=at)


def pay(
    session: Session,
    *,
    member_id: int,
    reference: str,
    order_id: int,
    amount_fen: int,
    paid_at: datetime,
    at: datetime,
) -> PaymentView:
    """Take points that were set aside, as payment of an order of ``amount_fen`` (扣除抵现积分).

    Raises:
        PointsPaymentNotFound: nothing was set aside under this reference, or it paid for another order.
        PointsPaymentRefused: the order is smaller than quoted and may not be paid so far by points, or others pay it.
        HoldClosed: the points were let go, or their time ran out.
    """
    known = find_payment(session, member_id=member_id, reference=reference)
    if known is None or known.order_id not in (None, order_id):
        raise PointsPaymentNotFound(reference=reference)
    if known.order_id == order_id:
        return known
    if find_payment_of_order(session, order_id=order_id) is not None:
        raise PointsPaymentRefused(reference=reference)
    policy = current_policy(session)
    check_order(policy, paid_fen=known.amount_fen, quoted_fen=known.order_amount_fen, amount_fen=amount_fen)
    _capture(session, member_id, known, order_id, min(paid_at, at), at)
    found = find_payment(session, member_id=member_id, reference=reference)
    assert found is not None
    return found


def _capture(
    session: Session, member_id: int, payment: PaymentView, order_id: int, paid_at: datetime, at: datetime
) -> None:
    explanation: Json = {"rule": "points_as_money", "order_id": order_id, "amount_fen": payment.amount_fen}
    posting = points_service.capture(
        session,
        member_id=member_id,
        reference=ledger_reference(payment.reference),
        points=None,
        explanation=explanation,
        occurred_at=paid_at,
        at=at,
    )
    paid = {"member_id": member_id, "order_id": order_id, "entry_id": posting.entry_id}
    session.execute(update(PointsPayment).where(PointsPayment.id == payment.id).values(**paid))


def ledger_reference(reference: str) -> str:
    """Return the reference of the hold, and of the entry that takes its points."""
    return f"points_payment:{reference}"


def _replay(known: PaymentView, points: int, amount_fen: int) -> PointsHold:
    if (known.points, known.order_amount_fen) != (points, amount_fen):
        raise HoldReferenceReused(reference=known.reference)
    return PointsHold(known.reference, known.points, known.amount_fen, known.expires_at, is_replay=True)
