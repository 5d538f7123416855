"""The rotating coupon code (动态券码): 18 digits, from ``66``, that name a coupon for a minute or two.

Six of them prove it, under a key that never leaves the servers: a screenshot is of no use after its two steps, and a
guess hits some coupon with 2 in 10⁶ at most, which the limits on a clerk's tries keep from paying.
"""

from datetime import datetime

from loyalty.coupons.rules.errors import CouponCodeInvalid
from loyalty.kernel.rotating_codes import CodeKind, RotatingCode

PREFIX = "66"
_KIND = CodeKind(prefix=PREFIX, label="coupon-code", id_digits=10)


def current_code(key: bytes, coupon_id: int, at: datetime) -> RotatingCode:
    """Return the code of a coupon at an instant; it is accepted for one more step after it ends."""
    return _KIND.current(key, coupon_id, at)


def read_code(key: bytes, code: str, at: datetime) -> int:
    """Return the id of the coupon whose code of this or the last step this is.

    Raises:
        CouponCodeInvalid: it is of neither.
    """
    coupon_id = _KIND.read(key, code, at)
    if coupon_id is None:
        raise CouponCodeInvalid
    return coupon_id
