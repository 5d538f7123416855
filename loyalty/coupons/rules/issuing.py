"""Issuing rules (发券条件): who may get a coupon of a template, when, and at what price."""

from datetime import datetime

from loyalty.coupons.rules.errors import (
    CouponClosed,
    CouponNotForMember,
    CouponNotIssuing,
    CouponNotOpen,
    CouponSoldOut,
    CouponTemplateNotFound,
)
from loyalty.coupons.rules.limiting import DAY_STOCK, STOCK
from loyalty.coupons.rules.states import IssuePath, TemplateState
from loyalty.coupons.rules.terms import Claiming, Eligibility, Stock

BY_THE_MEMBER = frozenset({IssuePath.CLAIM, IssuePath.LINK, IssuePath.CODE})
"""Ways on which members help themselves: only these heed the claim window."""
PRICED = frozenset({IssuePath.CLAIM, IssuePath.LINK})
"""Ways on which a coupon costs its points; a code, a rule or the staff give it for nothing."""


def check_issuing(state: TemplateState, claiming: Claiming, path: IssuePath, at: datetime) -> None:
    """Refuse a template that issues nothing now on this way.

    Raises:
        CouponTemplateNotFound: it is not in the coupon centre, where it was looked for.
        CouponNotIssuing: it is paused or stopped.
        CouponNotOpen, CouponClosed: members may not claim yet, or no longer.
    """
    if path is IssuePath.CLAIM and not claiming.is_in_centre:
        raise CouponTemplateNotFound
    if state is not TemplateState.LIVE:
        raise CouponNotIssuing(state=state.value)
    if path not in BY_THE_MEMBER:
        return
    if claiming.opens_at is not None and at < claiming.opens_at:
        raise CouponNotOpen(opens_at=claiming.opens_at.isoformat())
    if claiming.closes_at is not None and at >= claiming.closes_at:
        raise CouponClosed(closed_at=claiming.closes_at.isoformat())


def check_eligible(eligibility: Eligibility, *, tier_level: int, tags: frozenset[int]) -> None:
    """Refuse a member for whom the template is not meant, on every way.

    Raises:
        CouponNotForMember: the member has another tier, or none of the tags.
    """
    if eligibility.tier_levels and tier_level not in eligibility.tier_levels:
        raise CouponNotForMember(condition="tier")
    if eligibility.tags and not tags & eligibility.tags:
        raise CouponNotForMember(condition="tag")


def check_stock_left(limits: Stock, *, stock: int | None, stock_used: int, day_stock_used: int) -> None:
    """Turn away without touching a hot row whoever comes after the last coupon went.

    Raises:
        CouponSoldOut: nothing is left, in all or of today.
    """
    if stock is not None and stock_used >= stock:
        raise CouponSoldOut(limit=STOCK)
    if limits.per_day is not None and day_stock_used >= limits.per_day:
        raise CouponSoldOut(limit=DAY_STOCK)


def price_of(claiming: Claiming, path: IssuePath) -> int:
    """Return what a coupon costs on this way, in points."""
    return claiming.points_price if path in PRICED else 0


def explanation_of_price(template_id: int, title: str) -> dict[str, object]:
    """Return what the entry that pays for a coupon says."""
    return {"rule": "coupon_price", "template_id": template_id, "title": title}
