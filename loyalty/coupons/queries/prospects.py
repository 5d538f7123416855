"""Prospects (可得性): what would stand against a coupon that somebody is about to be given, locking nothing."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.looking import Looking, check, look
from loyalty.coupons.models import CouponTemplate
from loyalty.coupons.rules.limiting import limits_of, refusal_of
from loyalty.coupons.rules.states import IssuePath, TemplateState
from loyalty.kernel.clock import business_date
from loyalty.kernel.errors import LoyaltyError
from loyalty.limits.rules import day_of
from loyalty.limits.service import used_of_many

_NOTHING_YET = ""
"""The reference of no coupon."""


def is_issuing(session: Session, *, template_id: int) -> bool:
    """Tell whether a template was published and not stopped; a pause passes."""
    template = session.get(CouponTemplate, template_id)
    return template is not None and template.state in (TemplateState.LIVE, TemplateState.PAUSED)


def find_refusal(
    session: Session,
    *,
    template_id: int,
    member_id: int,
    path: IssuePath,
    store_id: int | None,
    at: datetime,
    zone: ZoneInfo,
) -> LoyaltyError | None:
    """Return the refusal that issuing would meet at this moment; nothing when it would succeed."""
    on = business_date(at, zone)
    try:
        found = look(session, Looking(template_id, member_id, _NOTHING_YET, day=day_of(on), at=at))
        check(found, path=path, at=at, zone=zone)
    except LoyaltyError as refusal:
        return refusal
    limits = limits_of(
        found.terms, template_id=template_id, stock=found.stock, member_id=member_id, store_id=store_id, on=on
    )
    single = [limit for limit in limits if limit.buckets == 1]
    used = used_of_many(session, limits=single)
    full = next((limit for limit in single if used.get(limit.key, 0) >= limit.ceiling), None)
    return None if full is None else refusal_of(full.exhausted(0))
