"""Locking rules: how long coupons may be set aside for an order that is not paid."""

from datetime import datetime, timedelta

from loyalty.coupons.rules.errors import InvalidCouponLockPeriod

LOCK_LIFETIME_MAX = timedelta(days=1)
"""The longest that coupons may be bound: a lock keeps them from lapsing, and nobody may prolong them at will."""


def check_lock_period(*, at: datetime, expires_at: datetime) -> None:
    """Refuse a lock that ends at once or never.

    Raises:
        InvalidCouponLockPeriod: it does.
    """
    if not at < expires_at <= at + LOCK_LIFETIME_MAX:
        raise InvalidCouponLockPeriod(expires_at=expires_at.isoformat())
