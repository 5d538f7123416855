"""Self-service (自助领券): what a member's tap does, whichever door it came through.

A tap is one transaction. What the member holds already is read after that was rolled back, so that the word on it
costs those who succeed nothing.
"""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.queries.wallet import find_latest
from loyalty.coupons.rules.errors import CouponAlreadyClaimed, CouponLimitReached
from loyalty.coupons.rules.limiting import template_id_of
from loyalty.coupons.service import claiming
from loyalty.coupons.service.issuing import Issued
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run


def claim(database: Database, *, template_id: int, member_id: int, key: str, at: datetime, zone: ZoneInfo) -> Issued:
    """Claim a coupon in the coupon centre (领取); the same key again is a replay.

    Raises:
        CouponAlreadyClaimed: other keys got as many as the member may have; the details name the last coupon.
        CouponTemplateNotFound, CouponSoldOut and the others of ``claiming.claim``.
    """
    return _tap(
        database,
        member_id,
        lambda session: claiming.claim(
            session, template_id=template_id, member_id=member_id, key=key, at=at, zone=zone
        ),
    )


def claim_by_link(
    database: Database, *, link_token: str, member_id: int, key: str, at: datetime, zone: ZoneInfo
) -> Issued:
    """Claim the coupon that a link or a QR code names; the same key again is a replay.

    Raises:
        CouponAlreadyClaimed: other keys got as many as the member may have; the details name the last coupon.
        CouponTemplateNotFound, CouponSoldOut and the others of ``claiming.claim_by_link``.
    """
    return _tap(
        database,
        member_id,
        lambda session: claiming.claim_by_link(
            session, link_token=link_token, member_id=member_id, key=key, at=at, zone=zone
        ),
    )


def claim_by_code(
    database: Database, *, codes_key: bytes, typed: str, member_id: int, at: datetime, zone: ZoneInfo
) -> Issued:
    """Claim the coupon of a claim code (兑换码); every try counts, whatever becomes of it.

    Raises:
        TooManyClaimCodes: as many as a member may type on one business date.
        CouponAlreadyClaimed: the member has as many of this template as one may have.
        ClaimCodeInvalid, ClaimCodeUsed, CouponSoldOut and the others of ``claiming.claim_by_code``.
    """
    run(database, lambda session: claiming.count_try(session, member_id=member_id, at=at, zone=zone))
    return _tap(
        database,
        member_id,
        lambda session: claiming.claim_by_code(
            session, codes_key=codes_key, typed=typed, member_id=member_id, at=at, zone=zone
        ),
    )


def _tap(database: Database, member_id: int, work: Callable[[Session], Issued]) -> Issued:
    try:
        return run(database, work)
    except CouponLimitReached as reached:
        template_id = template_id_of(str(reached.details["subject"]))
        held = run(database, lambda session: find_latest(session, template_id=template_id, member_id=member_id))
        if held is None:
            raise
        raise CouponAlreadyClaimed(
            limit=reached.details["limit"],
            coupon_id=held.id,
            usable_at=held.usable_at.isoformat(),
            expires_at=held.expires_at.isoformat(),
        ) from reached
