"""Where coupons stand, read from their rows: the clock decides, whether or not a job has run."""

from datetime import datetime

from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.states import CouponState, Standing, standing
from loyalty.kernel.database import AnyRow


def standing_of(coupon: Coupon | AnyRow, at: datetime) -> Standing:
    """Return where a coupon stands at an instant, by its row or by the same columns of a larger statement."""
    return standing(
        state=CouponState(coupon.state),
        usable_at=coupon.usable_at,
        expires_at=coupon.expires_at,
        locked_until_at=coupon.locked_until_at,
        at=at,
    )
