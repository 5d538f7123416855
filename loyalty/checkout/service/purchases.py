"""Purchases (消费): recorded, paid in part by coupons and points, and awarded, all in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.checkout.deductions import Deductions, deductions_of
from loyalty.checkout.service.baskets import settle_basket
from loyalty.checkout.service.previews import fact_lines
from loyalty.checkout.service.refunds import apply_refund, order_reference, settle_order
from loyalty.earning import service as earning
from loyalty.earning.evaluations import find_kept
from loyalty.earning.rules import EarningEvent
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
    discount_fen: int = 0
    """What coupons took off."""
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
    """Record a purchase, use the coupons and take the points that pay for it, and award what it earns (消费入账).

    Its lines have their prices before coupons and points; what is paid in money counts, the rest earns nothing. A late
    report earns by the rules of when it was paid. Refunds that came first are applied at once. A correction books the
    difference by the rules of the first report; its ``points`` are what the order earns by it now.

    Raises:
        InvalidOrder, MemberNotFound, MemberGone, OrderStoreNotFound, OrderNumberReused, OrderVersionOutdated,
        RefundExceedsOrder: as ``orders.record_purchase``.
        PointsPaymentNotFound, PointsPaymentRefused, HoldClosed, CouponNotUsable: as ``settle_basket``.
    """
    recorded = orders.record_purchase(session, purchase=purchase, at=at)
    if recorded.is_replay:
        return _told_again(session, recorded, at)
    taken_off = _taken_off(session, recorded, purchase, hold_reference, at, zone)
    if recorded.replaced_version is not None:
        _correct(session, recorded, purchase, taken_off, at, zone)
        return _standing(session, recorded, taken_off, at)
    outcome = _award(session, vault, recorded, purchase, taken_off, at, zone)
    if recorded.is_awaited:
        for early in orders.apply_waiting(session, order_id=recorded.order_id, at=at):
            apply_refund(session, recorded=early, at=at, zone=zone)
    return _outcome(session, recorded, outcome, taken_off, at)


def _correct(
    session: Session,
    recorded: orders.Recorded,
    purchase: Purchase,
    taken_off: Deductions,
    at: datetime,
    zone: ZoneInfo,
) -> None:
    order = orders_queries.get_order(session, order_id=recorded.order_id)
    settle_order(
        session,
        order=order,
        taken_off=taken_off,
        lines_left=orders_queries.lines_left_of(session, order=order),
        cause=f"correction:{order.id}:{purchase.version}",
        at=at,
        zone=zone,
        is_correction=True,
    )


def _taken_off(
    session: Session,
    recorded: orders.Recorded,
    purchase: Purchase,
    hold_reference: str | None,
    at: datetime,
    zone: ZoneInfo,
) -> Deductions:
    is_new = recorded.replaced_version is None
    settled = Deductions()
    if hold_reference is not None:
        settled = settle_basket(
            session,
            member_id=recorded.member_id,
            reference=hold_reference,
            order_id=recorded.order_id,
            purchase=purchase,
            at=at,
            zone=zone,
        )
    return settled if is_new else deductions_of(session, order_id=recorded.order_id)


def _award(
    session: Session,
    vault: Vault,
    recorded: orders.Recorded,
    purchase: Purchase,
    taken_off: Deductions,
    at: datetime,
    zone: ZoneInfo,
) -> earning.Outcome:
    happening = earning.Happening(
        event=EarningEvent.PURCHASE,
        member_id=recorded.member_id,
        occurred_at=min(purchase.paid_at, at),
        store_id=purchase.store_id,
        channel=purchase.channel,
        lines=fact_lines(taken_off.money(purchase.lines, purchase.lines)),
        order_id=recorded.order_id,
    )
    gathered = earning.gather(session, vault, happening=happening, zone=zone, at=at)
    return earning.award(
        session, gathered=gathered, reference=order_reference(recorded.order_id), at=at, zone=zone, is_new=True
    )


def _told_again(session: Session, recorded: orders.Recorded, at: datetime) -> PurchaseOutcome:
    taken_off = deductions_of(session, order_id=recorded.order_id)
    return _standing(session, recorded, taken_off, at, is_replay=True)


def _standing(
    session: Session,
    recorded: orders.Recorded,
    taken_off: Deductions,
    at: datetime,
    *,
    is_replay: bool = False,
) -> PurchaseOutcome:
    order = orders_queries.get_order(session, order_id=recorded.order_id)
    assert order.member_id is not None
    known = find_kept(session, member_id=order.member_id, reference=order_reference(order.id))
    if known is None:
        return _outcome(session, recorded, earning.Outcome(), taken_off, at, is_replay=is_replay)
    told = earning.Outcome(known.points, known.growth, known.awards, known.view.misses)
    return _outcome(session, recorded, told, taken_off, at, is_replay=is_replay)


def _outcome(
    session: Session,
    recorded: orders.Recorded,
    outcome: earning.Outcome,
    taken_off: Deductions,
    at: datetime,
    *,
    is_replay: bool = False,
) -> PurchaseOutcome:
    balance = outcome.balance_after
    if balance is None or recorded.is_awaited:
        balance = summary(session, member_id=recorded.member_id, at=at).balance
    payment = taken_off.payment
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
        discount_fen=taken_off.discount_fen,
        is_replay=is_replay,
    )
