"""One coupon as its owner looks at it: whether it can be used at this moment and why not, and where it was used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.queries.names import names_of
from loyalty.coupons.queries.redemptions import RedemptionView, find_standing
from loyalty.coupons.queries.wallet import CouponView, get_coupon
from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.coupons.rules.fitting import Refusal, not_standing, outside_of
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.unfit import explain
from loyalty.coupons.rules.validity import next_window
from loyalty.coupons.rules.words import Names
from loyalty.kernel.clock import start_of
from loyalty.kernel.local_time import local_time
from loyalty.kernel.wording import clock
from loyalty.stores import queries as stores


@dataclass(frozen=True, slots=True)
class CouponPage:
    """A coupon, the names its terms need, and the redemption that stands."""

    coupon: CouponView
    names: Names
    refusal: Refusal | None
    """Why it cannot be used now, whatever is bought."""
    reason: str | None
    """The same in Chinese."""
    redemption: RedemptionView | None
    store_name: str | None
    """Where it was used."""


def coupon_page(session: Session, *, coupon_id: int, member_id: int, at: datetime, zone: ZoneInfo) -> CouponPage:
    """Return all that its owner sees of a coupon.

    Raises:
        CouponNotFound: there is no such coupon, or it is somebody else's.
    """
    coupon = get_coupon(session, coupon_id=coupon_id, member_id=member_id, at=at)
    used = find_standing(session, coupon_id=coupon_id) if coupon.standing is Standing.USED else None
    store_id = None if used is None else used.store_id
    refusal = why_not_now(coupon, at=at, zone=zone)
    return CouponPage(
        coupon=coupon,
        names=names_of(session, terms=coupon.terms),
        refusal=refusal,
        reason=None if refusal is None else _told(coupon, refusal, at, zone),
        redemption=used,
        store_name=None if store_id is None else stores.names(session, {store_id}).get(store_id),
    )


def require_usable_now(session: Session, *, coupon_id: int, member_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Make sure that a member may show a coupon at the till now.

    Raises:
        CouponNotFound: there is no such coupon, or it is somebody else's.
        CouponNotUsable: it cannot be used now; the details say why.
    """
    coupon = get_coupon(session, coupon_id=coupon_id, member_id=member_id, at=at)
    refusal = why_not_now(coupon, at=at, zone=zone)
    if refusal is not None:
        reason, lacking = refusal
        message = _told(coupon, refusal, at, zone)
        raise CouponNotUsable(coupons=[{"coupon_id": coupon_id, "reason": reason.value, "message": message, **lacking}])


def why_not_now(coupon: CouponView, *, at: datetime, zone: ZoneInfo) -> Refusal | None:
    """Return why a coupon cannot be used at this moment, whatever is bought."""
    standing = not_standing(coupon.standing, usable_at=coupon.usable_at, zone=zone)
    return standing or outside_of(coupon.terms.windows, local_time(at, zone))


def _told(coupon: CouponView, refusal: Refusal, at: datetime, zone: ZoneInfo) -> str:
    sentence = explain(*refusal)
    if coupon.standing is not Standing.USABLE:
        return sentence
    then = next_window(coupon.terms.windows, local_time(at, zone))
    if start_of(then.on, zone) + timedelta(minutes=then.minute) >= coupon.expires_at:
        return f"{sentence}，有效期内已没有可用时段"
    return f"{sentence}，下次可用时间 {then.on.month}月{then.on.day}日 {clock(then.minute)}"
