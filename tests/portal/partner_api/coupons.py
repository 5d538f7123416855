"""Coupons at a till: what a member is given, and requests about it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.members.models import Member
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.portal.partner_api.conftest import LINES, Till, unused


def give(session: Session, member: Member, **terms: Any) -> int:
    """Give the member a coupon of a template of its own: ¥20 off ¥100 unless told otherwise."""
    coupon_id = issue_to(session, member.id, make_template(session, terms_of(**terms))).coupon_id
    session.commit()
    return coupon_id


def about(till: Till, ref: str, **changes: Any) -> dict[str, Any]:
    return {"store_code": till.store.code, "member_ref": ref, "lines": LINES} | changes


def a_use(till: Till, ref: str, *coupon_ids: int, **changes: Any) -> dict[str, Any]:
    return about(till, ref, reference=unused("use"), coupon_ids=list(coupon_ids)) | changes


def a_lock(till: Till, ref: str, *coupon_ids: int, **changes: Any) -> dict[str, Any]:
    return about(till, ref, reference=unused("lock"), coupon_ids=list(coupon_ids)) | changes


def state_of(session: Session, coupon_id: int) -> str | None:
    return session.scalar(select(Coupon.state).where(Coupon.id == coupon_id))
