"""Voiding (作废): staff take unused coupons away, with a reason. They stay counted in every limit."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.errors import CouponNotFound, CouponNotVoidable
from loyalty.coupons.rules.states import CouponState, Standing
from loyalty.coupons.standings import standing_of
from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor


def void(session: Session, *, coupon_ids: Sequence[int], reason: str, actor: Actor, at: datetime) -> None:
    """Make coupons worthless (作废), all of them or none; one that is void already is passed over.

    A coupon that is locked for an unpaid order is voided too: the order is refused.

    Raises:
        CouponNotFound: one of them does not exist.
        CouponNotVoidable: one of them was used or has lapsed.
    """
    held = select(Coupon).where(Coupon.id.in_(coupon_ids)).order_by(Coupon.id).with_for_update(key_share=True)
    coupons = {coupon.id: coupon for coupon in session.scalars(held.execution_options(populate_existing=True))}
    for coupon_id in coupon_ids:
        if coupon_id not in coupons:
            raise CouponNotFound(coupon_id=coupon_id)
    for coupon in coupons.values():
        _void_one(session, coupon, reason, actor, at)


def _void_one(session: Session, coupon: Coupon, reason: str, actor: Actor, at: datetime) -> None:
    stands = standing_of(coupon, at)
    if stands is Standing.VOIDED:
        return
    if stands in (Standing.USED, Standing.LAPSED):
        raise CouponNotVoidable(coupon_id=coupon.id, standing=stands.value)
    gone = {"state": CouponState.VOIDED.value, "lock_id": None, "locked_until_at": None}
    session.execute(update(Coupon).where(Coupon.id == coupon.id).values(**gone))
    told = {"coupon_id": coupon.id, "member_id": coupon.member_id, "template_id": coupon.template_id}
    outbox.record(session, "coupon.voided", told, at=at)
    audit.write(
        session,
        actor=actor,
        action="coupons.void",
        subject=f"coupon:{coupon.id}",
        before={"state": coupon.state},
        after={"state": CouponState.VOIDED.value, "reason": reason},
        at=at,
    )
