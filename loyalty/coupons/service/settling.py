"""Settling a lock (核销锁定的券): the order it was made for is paid, and its coupons are used."""

from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.held import Held, Use
from loyalty.coupons.queries.locks import LockView, find_lock
from loyalty.coupons.rules.errors import CouponLockNotFound
from loyalty.coupons.rules.pricing import Pricing
from loyalty.coupons.rules.states import LockEnd, Standing
from loyalty.coupons.service.locking import basket_of, end_locks
from loyalty.coupons.service.redeeming import Asked, Redeemed, take
from loyalty.coupons.service.validating import price_all


def redeem_locked(
    session: Session,
    *,
    member_id: int,
    lock_reference: str,
    reference: str,
    use: Use,
    zone: ZoneInfo,
    actor: str,
    order_id: int | None = None,
) -> Redeemed:
    """Use the coupons that were locked under a reference, for the basket as it was paid.

    While the lock binds, the same basket costs what it cost then, and another is priced by the time of the lock. An
    order that is paid after the lock's time ran out takes the coupons as long as they can still be used.

    Raises:
        CouponLockNotFound: nothing was locked under this reference.
        InvalidOrder, CouponUseReferenceReused, CouponNotUsable: as ``redeem``.
    """
    known = find_lock(session, member_id=member_id, reference=lock_reference)
    if known is None:
        raise CouponLockNotFound(reference=lock_reference)
    asked = Asked(member_id, known.coupon_ids, reference, use, zone, actor, order_id)
    redeemed = take(session, asked, pricing_of=partial(_price, known, use))
    end_locks(session, lock_ids=[known.id], ended_as=LockEnd.REDEEMED, at=use.at)
    return redeemed


def _price(lock: LockView, use: Use, held: Held) -> Pricing:
    is_bound = all(coupon.lock_id == lock.id and coupon.standing is Standing.LOCKED for coupon in held.coupons)
    if is_bound and lock.basket == basket_of(use):
        return Pricing(lock.discounts, {})
    return price_all(held.as_of(lock.locked_at) if is_bound else held, locked_by=lock.reference)
