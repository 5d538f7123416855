"""Expiring (过期): lapsed coupons are noted as such in pages, and locks whose time ran out are ended.

Nothing depends on it having run: the clock alone decides what a coupon is good for.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponLock
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.service.locking import release
from loyalty.points.posting import table_of

COUPONS, LOCKS = map(table_of, (Coupon, CouponLock))
PAGE = 5_000
LOCKS_PAGE = 500


def expire_coupons(session: Session, *, at: datetime, limit: int = PAGE) -> int:
    """Note up to ``limit`` coupons that have lapsed as expired; return how many.

    A lock that runs keeps its coupons; one whose time ran out does not.
    """
    is_free = (COUPONS.c.state == CouponState.ISSUED) | (COUPONS.c.locked_until_at <= at)
    is_open = COUPONS.c.state.in_([CouponState.ISSUED, CouponState.LOCKED])
    lapsed = (
        select(COUPONS.c.id)
        .where(is_open, COUPONS.c.expires_at <= at, is_free)
        .order_by(COUPONS.c.expires_at, COUPONS.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("lapsed")
    )
    gone = {"state": CouponState.EXPIRED.value, "lock_id": None, "locked_until_at": None}
    done = update(COUPONS).where(COUPONS.c.id == lapsed.c.id).values(**gone).returning(COUPONS.c.id)
    return len(session.execute(done).all())


def release_run_out(session: Session, *, at: datetime, limit: int = LOCKS_PAGE) -> int:
    """Free the coupons of up to ``limit`` locks whose time ran out; return how many locks."""
    has_run_out = (LOCKS.c.ended_at.is_(None)) & (LOCKS.c.expires_at <= at)
    lock_ids = session.scalars(select(LOCKS.c.id).where(has_run_out).order_by(LOCKS.c.expires_at).limit(limit)).all()
    if lock_ids:
        release(session, lock_ids=lock_ids, at=at)
    return len(lock_ids)
