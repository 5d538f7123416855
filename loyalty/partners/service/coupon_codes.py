"""Reading a coupon code (券码): as often as it is shown, for every till and every clerk; who shows it has come."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules.codes import read_code
from loyalty.coupons.rules.errors import CouponCodeInvalid, CouponNotFound
from loyalty.partners.service.member_codes import living, meet


def read_coupon_code(session: Session, *, code_key: bytes, code: str, store_id: int, at: datetime) -> tuple[int, int]:
    """Return which coupon a code names, after its owner, the survivor after a merge.

    Raises:
        CouponCodeInvalid: not made by us, too old, or its member is no longer one.
    """
    coupon_id = read_code(code_key, code, at)
    try:
        member_id = living(session, get_coupon(session, coupon_id=coupon_id, at=at).member_id)
    except CouponNotFound as error:
        raise CouponCodeInvalid from error
    if member_id is None:
        raise CouponCodeInvalid
    meet(session, member_id=member_id, store_id=store_id, at=at)
    return member_id, coupon_id
