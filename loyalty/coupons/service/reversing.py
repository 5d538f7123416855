"""Reversing a redemption (撤销核销): the coupon comes back, and points for early use are taken back."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.queries.redemptions import RedemptionView, get_redemption
from loyalty.coupons.rules.errors import CouponRedemptionOfOrder, CouponRedemptionReversed
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.validity import expiry_after_return
from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date, end_of


def reverse_redemption(
    session: Session, *, redemption_id: int, reference: str, at: datetime, zone: ZoneInfo, actor: str
) -> RedemptionView:
    """Undo a use that was a mistake (撤销核销): the coupon can be used again, today at least.

    The same reference again is a replay.

    Raises:
        CouponRedemptionNotFound: there is no such redemption.
        CouponRedemptionReversed: it was reversed under another reference.
        CouponRedemptionOfOrder: it belongs to an order, whose refund gives the coupon back.
    """
    redemption, expires_at = _locked(session, redemption_id)
    if redemption.reversed_at is not None:
        return _again(redemption, reference)
    if redemption.order_id is not None:
        raise CouponRedemptionOfOrder(redemption_id=redemption_id, order_id=redemption.order_id)
    today = end_of(business_date(at, zone), zone)
    return _give_back(session, redemption, reference, max(expires_at, today if expires_at <= at else at), actor, at)


def return_coupon(
    session: Session, *, redemption_id: int, reference: str, at: datetime, zone: ZoneInfo, actor: str
) -> RedemptionView:
    """Give a coupon back because all of its order was refunded (退券), as its terms say; some do not come back.

    The same reference again is a replay.

    Raises:
        CouponRedemptionNotFound: there is no such redemption.
    """
    redemption, expires_at = _locked(session, redemption_id)
    if redemption.reversed_at is not None:
        return redemption
    until = expiry_after_return(redemption.terms, expires_at=expires_at, at=at, zone=zone)
    if until is None:
        return redemption
    return _give_back(session, redemption, reference, until, actor, at)


def hold_redemption(session: Session, *, redemption_id: int) -> RedemptionView:
    """Keep a redemption as it is until the transaction ends, and return it: of two who undo it one sees it standing.

    Raises:
        CouponRedemptionNotFound: there is no such redemption.
    """
    return _locked(session, redemption_id)[0]


def _locked(session: Session, redemption_id: int) -> tuple[RedemptionView, datetime]:
    """Return a redemption and its coupon's end, both held until the transaction ends."""
    known = get_redemption(session, redemption_id=redemption_id)
    held = select(Coupon.expires_at).where(Coupon.id == known.coupon_id).with_for_update(key_share=True)
    expires_at = session.scalars(held).one()
    return get_redemption(session, redemption_id=redemption_id), expires_at


def _again(redemption: RedemptionView, reference: str) -> RedemptionView:
    if redemption.reversal_reference != reference:
        raise CouponRedemptionReversed(redemption_id=redemption.id)
    return redemption


def _give_back(
    session: Session, redemption: RedemptionView, reference: str, expires_at: datetime, actor: str, at: datetime
) -> RedemptionView:
    row = CouponRedemption
    noted = {"reversal_reference": reference, "reversed_by": actor, "reversed_at": at}
    session.execute(update(row).where(row.id == redemption.id).values(**noted))
    back = {"state": CouponState.ISSUED.value, "expires_at": expires_at, "reminded_at": None}
    session.execute(update(Coupon).where(Coupon.id == redemption.coupon_id).values(**back))
    payload = {
        "redemption_id": redemption.id,
        "coupon_id": redemption.coupon_id,
        "member_id": redemption.member_id,
        "template_id": redemption.template_id,
        "bonus_points": redemption.bonus_points,
    }
    outbox.record(session, "coupon.redemption_reversed", payload, at=at)
    return get_redemption(session, redemption_id=redemption.id)
