"""Purchases (消费): recorded, paid in part by points, and awarded, all in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.checkout.queries import PaymentView, find_payment_of_order
from loyalty.checkout.rules import paid_in_money, spread
from loyalty.checkout.service.points_as_money import pay
from loyalty.checkout.service.previews import fact_lines
from loyalty.checkout.service.refunds import apply_refund, order_reference, settle_order
from loyalty.earning import service as earning
from loyalty.earning.evaluations import find_kept
from loyalty.earning.rules import EarningEvent, FactLine
from loyalty.earning.rules.explaining import explain
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.orders import queries as orders_queries
from loyalty.orders import service as orders
from loyalty.orders.rules import Purchase
from loyalty.points.queries import summary


@dataclass(frozen=True, slots=True)
class PurchaseOutcome:
    """What a purchase came to; a replay tells what the first report came to."""

    order_id: int
    member_id: int
    points: int
    growth: int
    balance_after: int
    awards: Sequence[Json]
    misses: Sequence[Json]
    captured_points: int
    captured_fen: int
    is_replay: bool = False

    @property
    def sentences(self) -> Sequence[str]:
        """Why it earned what it earned, and what was lacking, in Chinese."""
        return [explain(explanation) for explanation in (*self.awards, *self.misses)]


def purchase(
    session: Session,
    vault: Vault,
    *,
    purchase: Purchase,
    hold_reference: str | None = None,
    at: datetime,
    zone: ZoneInfo,
) -> PurchaseOutcome:
    """Record a purchase, take the points that pay for it, and award what it earns (消费入账).

    Points earn no points: what is paid in money counts. A late report earns by the rules of when it was paid.
    Refunds that came first are applied at once. A correction books the difference by the rules of the first report;
    its ``points`` are what the order earns by it now.

    Raises:
        InvalidOrder, MemberNotFound, MemberGone, OrderStoreNotFound, OrderNumberReused, OrderVersionOutdated,
        RefundExceedsOrder: as ``orders.record_purchase``.
        PointsPaymentNotFound, PointsPaymentRefused, HoldClosed: the points set aside cannot pay for it.
    """
    recorded = orders.record_purchase(session, purchase=purchase, at=at)
    if recorded.is_replay:
        return _told_again(session, recorded, at)
    payment = _payment(session, recorded, purchase, hold_reference, at)
    if recorded.replaced_version is not None:
        _correct(session, recorded, purchase, at, zone)
        return _standing(session, recorded, payment, at)
    outcome = _award(session, vault, recorded, purchase, payment, at, zone)
    if recorded.is_awaited:
        for early in orders.apply_waiting(session, order_id=recorded.order_id):
            apply_refund(session, recorded=early, at=at, zone=zone)
    return _outcome(session, recorded, outcome, payment, at)


def _correct(session: Session, recorded: orders.Recorded, purchase: Purchase, at: datetime, zone: ZoneInfo) -> None:
    order = orders_queries.get_order(session, order_id=recorded.order_id)
    settle_order(
        session,
        order_id=order.id,
        lines_left=orders_queries.lines_left_of(session, order=order),
        cause=f"correction:{order.id}:{purchase.version}",
        at=at,
        zone=zone,
        is_correction=True,
    )


def _payment(
    session: Session, recorded: orders.Recorded, purchase: Purchase, hold_reference: str | None, at: datetime
) -> PaymentView | None:
    if hold_reference is not None:
        return pay(
            session,
            member_id=recorded.member_id,
            reference=hold_reference,
            order_id=recorded.order_id,
            purchase=purchase,
            at=at,
        )
    is_new = recorded.replaced_version is None
    return None if is_new else find_payment_of_order(session, order_id=recorded.order_id)


def _award(
    session: Session,
    vault: Vault,
    recorded: orders.Recorded,
    purchase: Purchase,
    payment: PaymentView | None,
    at: datetime,
    zone: ZoneInfo,
) -> earning.Outcome:
    happening = earning.Happening(
        event=EarningEvent.PURCHASE,
        member_id=recorded.member_id,
        occurred_at=min(purchase.paid_at, at),
        store_id=purchase.store_id,
        channel=purchase.channel,
        lines=_money_lines(purchase, payment),
        order_id=recorded.order_id,
    )
    gathered = earning.gather(session, vault, happening=happening, zone=zone, at=at)
    return earning.award(
        session, gathered=gathered, reference=order_reference(recorded.order_id), at=at, zone=zone, is_new=True
    )


def _money_lines(purchase: Purchase, payment: PaymentView | None) -> tuple[FactLine, ...]:
    if payment is None:
        return fact_lines(purchase.lines)
    spreads = spread(purchase.lines, points=payment.points, amount_fen=payment.amount_fen)
    return fact_lines(paid_in_money(purchase.lines, purchase.lines, spreads))


def _told_again(session: Session, recorded: orders.Recorded, at: datetime) -> PurchaseOutcome:
    payment = find_payment_of_order(session, order_id=recorded.order_id)
    return _standing(session, recorded, payment, at, is_replay=True)


def _standing(
    session: Session,
    recorded: orders.Recorded,
    payment: PaymentView | None,
    at: datetime,
    *,
    is_replay: bool = False,
) -> PurchaseOutcome:
    order = orders_queries.get_order(session, order_id=recorded.order_id)
    assert order.member_id is not None
    known = find_kept(session, member_id=order.member_id, reference=order_reference(order.id))
    if known is None:
        return _outcome(session, recorded, earning.Outcome(), payment, at, is_replay=is_replay)
    told = earning.Outcome(known.points, known.growth, known.awards, known.view.misses)
    return _outcome(session, recorded, told, payment, at, is_replay=is_replay)


def _outcome(
    session: Session,
    recorded: orders.Recorded,
    outcome: earning.Outcome,
    payment: PaymentView | None,
    at: datetime,
    *,
    is_replay: bool = False,
) -> PurchaseOutcome:
    balance = outcome.balance_after
    if balance is None or recorded.is_awaited:
        balance = summary(session, member_id=recorded.member_id, at=at).balance
    return PurchaseOutcome(
        order_id=recorded.order_id,
        member_id=recorded.member_id,
        points=outcome.points,
        growth=outcome.growth,
        balance_after=balance,
        awards=outcome.awards,
        misses=outcome.misses,
        captured_points=payment.points if payment else 0,
        captured_fen=payment.amount_fen if payment else 0,
        is_replay=is_replay,
    )
