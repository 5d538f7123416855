"""Baskets (购物车结算): coupons and points set aside under one reference for an order that is not paid yet.

Coupons are locked and points are held in one transaction, both until the same instant, and let go or settled together.
The account comes first: the points and their lots are only ever touched by who holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.checkout.deductions import Deductions
from loyalty.checkout.queries import current_policy, find_payment
from loyalty.checkout.service.points_as_money import PointsHold, hold_points, pay, release_points
from loyalty.checkout.service.refunds import order_reference
from loyalty.coupons.held import Use
from loyalty.coupons.queries.locks import find_lock
from loyalty.coupons.service.locking import Locked, lock, unlock
from loyalty.coupons.service.settling import redeem_locked
from loyalty.members.queries import check_can_spend
from loyalty.orders.rules import InvalidOrder, Purchase, amount_of, check_lines
from loyalty.points.queries import lock_account


@dataclass(frozen=True, slots=True)
class ReservedBasket:
    """What waits for an order: locked coupons, held points, and what is left to pay in money."""

    reference: str
    locked: Locked | None
    held: PointsHold | None
    money_fen: int

    @property
    def expires_at(self) -> datetime:
        """Until when it waits."""
        ends = [self.locked.lock.expires_at] if self.locked else []
        return min([*ends, self.held.expires_at] if self.held else ends)

    @property
    def is_replay(self) -> bool:
        """Whether it was set aside by an earlier request."""
        return any(each.is_replay for each in (self.locked, self.held) if each)


def reserve_basket(
    session: Session,
    *,
    member_id: int,
    use: Use,
    coupon_ids: Sequence[int],
    points: int,
    reference: str,
    zone: ZoneInfo,
    actor: str,
) -> ReservedBasket:
    """Lock coupons and hold points for a basket (锁券并冻结积分), both or neither; points pay what coupons leave.

    The same reference, coupons, lines and points again are a replay; once the coupons are let go, another basket
    needs another reference.

    Raises:
        InvalidOrder: the basket makes no sense, or nothing is to be set aside.
        MemberNotFound, MemberGone, MemberProvisional: the member may not spend.
        CouponNotFound, CouponNotUsable, CouponUseReferenceReused, CouponLockEnded: as ``coupons.lock``.
        PointsNotAccepted, PointsPaymentRefused, HoldReferenceReused, InsufficientPoints: as ``hold_points``.
    """
    check_lines(use.lines)
    check_can_spend(session, member_id=member_id)
    if not coupon_ids and not points:
        raise InvalidOrder(field="coupon_ids", reason="neither coupons nor points")
    if points:
        lock_account(session, member_id=member_id)
    locked = _lock(session, member_id, use, coupon_ids, reference, zone, actor) if coupon_ids else None
    net_fen = amount_of(Deductions(locked.lock.discounts if locked else ()).net(use.lines, use.lines))
    held = _hold(session, member_id, use, points, net_fen, reference, actor) if points else None
    return ReservedBasket(reference, locked, held, net_fen - (held.amount_fen if held else 0))


def release_basket(session: Session, *, member_id: int, reference: str, at: datetime) -> None:
    """Let go of what was set aside for an order that was not paid (释放); again, nothing happens.

    Raises:
        PointsPaymentNotFound: nothing was set aside under this reference.
        HoldClosed, CouponLockEnded: it paid for an order.
    """
    is_locked = find_lock(session, member_id=member_id, reference=reference) is not None
    is_held = find_payment(session, member_id=member_id, reference=reference) is not None
    if is_held or not is_locked:
        release_points(session, member_id=member_id, reference=reference, at=at)
    if is_locked:
        unlock(session, member_id=member_id, reference=reference, at=at)


def settle_basket(
    session: Session,
    *,
    member_id: int,
    reference: str,
    order_id: int,
    purchase: Purchase,
    at: datetime,
    zone: ZoneInfo,
) -> Deductions:
    """Use the coupons and take the points that were set aside under a reference, for the order as it was paid.

    Raises:
        PointsPaymentNotFound: nothing was set aside under this reference, or it paid for another order.
        CouponNotUsable: a coupon does not pay for the order as it was paid, or somebody was quicker.
        PointsPaymentRefused, HoldClosed: the points cannot pay for it.
    """
    taken_off = _use_coupons(session, member_id, reference, order_id, purchase, at, zone)
    if taken_off.discounts and find_payment(session, member_id=member_id, reference=reference) is None:
        return taken_off
    payment = pay(
        session,
        member_id=member_id,
        reference=reference,
        order_id=order_id,
        amount_fen=amount_of(taken_off.net(purchase.lines, purchase.lines)),
        paid_at=purchase.paid_at,
        at=at,
    )
    return replace(taken_off, payment=payment)


def _lock(
    session: Session,
    member_id: int,
    use: Use,
    coupon_ids: Sequence[int],
    reference: str,
    zone: ZoneInfo,
    actor: str,
) -> Locked:
    return lock(
        session,
        member_id=member_id,
        coupon_ids=coupon_ids,
        reference=reference,
        use=use,
        expires_at=use.at + timedelta(minutes=current_policy(session).hold_minutes),
        zone=zone,
        actor=actor,
    )


def _hold(
    session: Session, member_id: int, use: Use, points: int, amount_fen: int, reference: str, actor: str
) -> PointsHold:
    return hold_points(
        session,
        member_id=member_id,
        points=points,
        amount_fen=amount_fen,
        reference=reference,
        at=use.at,
        store_id=use.store_id,
        actor=actor,
    )


def _use_coupons(
    session: Session, member_id: int, reference: str, order_id: int, purchase: Purchase, at: datetime, zone: ZoneInfo
) -> Deductions:
    if find_lock(session, member_id=member_id, reference=reference) is None:
        return Deductions()
    lock_account(session, member_id=member_id)
    redeemed = redeem_locked(
        session,
        member_id=member_id,
        lock_reference=reference,
        reference=order_reference(order_id),
        use=Use(purchase.store_id, purchase.channel, purchase.lines, min(purchase.paid_at, at)),
        zone=zone,
        actor=purchase.source,
        order_id=order_id,
    )
    return Deductions(tuple(one.discount for one in redeemed.redemptions), redemptions=redeemed.redemptions)
