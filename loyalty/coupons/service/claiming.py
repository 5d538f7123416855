"""Claiming (领券): members help themselves in the coupon centre, by a link or by a claim code."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.queries.codes import find_code
from loyalty.coupons.queries.templates import id_of_link
from loyalty.coupons.rules.claim_codes import read_claim_code
from loyalty.coupons.rules.errors import ClaimCodeInvalid, ClaimCodeUsed, TooManyClaimCodes
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.code_batches import use_code
from loyalty.coupons.service.issuing import Issued, issue
from loyalty.kernel.clock import business_date
from loyalty.limits.rules import Limit, LimitExhausted, day_of, member_entity
from loyalty.limits.service import reserve

TRIES_PER_DAY = 30


def claim(session: Session, *, template_id: int, member_id: int, key: str, at: datetime, zone: ZoneInfo) -> Issued:
    """Claim a coupon in the coupon centre (领取); the same key again is a replay.

    Raises:
        CouponTemplateNotFound: there is none of this id in the centre.
        CouponSoldOut, CouponLimitReached, InsufficientPoints and the others of ``issue``.
    """
    return issue(
        session,
        template_id=template_id,
        member_id=member_id,
        path=IssuePath.CLAIM,
        reference=reference_of(key),
        at=at,
        zone=zone,
    )


def claim_by_link(
    session: Session, *, link_token: str, member_id: int, key: str, at: datetime, zone: ZoneInfo
) -> Issued:
    """Claim the coupon that a link or a QR code names; the same key again is a replay.

    Raises:
        CouponTemplateNotFound: the link names no template that was published.
        CouponSoldOut, CouponLimitReached, InsufficientPoints and the others of ``issue``.
    """
    return issue(
        session,
        template_id=id_of_link(session, link_token=link_token),
        member_id=member_id,
        path=IssuePath.LINK,
        reference=reference_of(key),
        at=at,
        zone=zone,
    )


def claim_by_code(
    session: Session, *, codes_key: bytes, typed: str, member_id: int, at: datetime, zone: ZoneInfo
) -> Issued:
    """Claim the coupon of a claim code (兑换码); once for a code, and again by the same member it is a replay.

    Call ``count_try`` first, in a transaction of its own.

    Raises:
        ClaimCodeInvalid: it is none of ours.
        ClaimCodeUsed: somebody else claimed it, or it was voided.
        CouponSoldOut, CouponLimitReached and the others of ``issue``.
    """
    serial = read_claim_code(codes_key, typed)
    code = find_code(session, serial=serial, member_id=member_id)
    if code is None:
        raise ClaimCodeInvalid
    if code.is_gone:
        raise ClaimCodeUsed
    issued = issue(
        session,
        template_id=code.template_id,
        member_id=member_id,
        path=IssuePath.CODE,
        reference=f"code:{serial}",
        at=at,
        zone=zone,
    )
    if not issued.is_replay:
        use_code(session, serial=serial, batch_id=code.batch_id, coupon_id=issued.coupon_id, member_id=member_id, at=at)
    return issued


def count_try(session: Session, *, member_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Count one typed claim code before it is judged, so that guessing many at once gains nothing.

    Raises:
        TooManyClaimCodes: as many as a member may type on one business date.
    """
    day = day_of(business_date(at, zone))
    limit = Limit("claim_code_tries", member_entity(member_id), day, TRIES_PER_DAY, "claim_code_tries")
    try:
        reserve(session, limits=[limit], amount=1)
    except LimitExhausted as exhausted:
        raise TooManyClaimCodes from exhausted


def reference_of(key: str) -> str:
    """Return the reference of the coupon that a claim under this key brings."""
    return f"claim:{key}"
