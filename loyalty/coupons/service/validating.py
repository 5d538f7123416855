"""Validating (验券): which of a member's coupons pay for a basket, what each takes off, and which save the most."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.held import Held, HeldCoupon, Use, read_held, read_open
from loyalty.coupons.rules.discounting import Shares
from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.coupons.rules.fitting import Refusal
from loyalty.coupons.rules.pricing import Pricing, Quote, best, price, quotes
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.unfit import Lacking, Unfit, explain
from loyalty.kernel.database import Json
from loyalty.orders.rules import check_lines


@dataclass(frozen=True, slots=True)
class Checked:
    """One coupon: what it takes off by itself, or why it does not pay."""

    coupon_id: int
    template_id: int
    terms: Terms
    expires_at: datetime
    discount_fen: int
    reason: Unfit | None = None
    lacking: Lacking = field(default_factory=dict)
    shares: Shares = ()
    """Off which lines it takes how much."""

    @property
    def is_usable(self) -> bool:
        """Whether it pays for the basket."""
        return self.reason is None

    @property
    def sentence(self) -> str | None:
        """Why it does not pay, in Chinese."""
        return None if self.reason is None else explain(self.reason, self.lacking)


@dataclass(frozen=True, slots=True)
class Validation:
    """Every coupon that was asked about, and those that save the most together."""

    coupons: tuple[Checked, ...]
    best: Pricing


def validate(
    session: Session, *, member_id: int, use: Use, zone: ZoneInfo, coupon_ids: Sequence[int] | None = None
) -> Validation:
    """Return what each coupon would take off a basket, and the best choice among them; nothing changes.

    Without ``coupon_ids`` all that the member could use are tried.

    Raises:
        InvalidOrder: the basket makes no sense.
        CouponNotFound: one of the coupons does not exist, or is somebody else's.
    """
    if use.lines:
        check_lines(use.lines)
    if coupon_ids is None:
        held = read_open(session, member_id=member_id, use=use, zone=zone)
    else:
        held = read_held(session, member_id=member_id, coupon_ids=coupon_ids, use=use, zone=zone)
    offers = [coupon.offer for coupon in held.coupons]
    quoted = quotes(offers, held.basket)
    checked = tuple(_check(coupon, held, quoted[coupon.id]) for coupon in held.coupons)
    usable = {one.coupon_id for one in checked if one.is_usable}
    chosen = set(best([offer for offer in offers if offer.coupon_id in usable], held.basket))
    return Validation(checked, price([offer for offer in offers if offer.coupon_id in chosen], held.basket))


def price_all(held: Held, *, locked_by: str | None = None) -> Pricing:
    """Return what coupons take off their basket together, when all of them do.

    A lock under ``locked_by`` is the caller's own and stands against nothing.

    Raises:
        CouponNotUsable: one of them does not pay; the details say of each why.
    """
    refused: dict[int, Refusal] = {}
    for coupon in held.coupons:
        refusal = None if _is_own(coupon, locked_by) else held.why_not(coupon)
        if refusal is not None:
            refused[coupon.id] = refusal
    pricing = price([coupon.offer for coupon in held.coupons], held.basket)
    refused = {**pricing.refused, **refused}
    if refused:
        raise CouponNotUsable(coupons=[_told(coupon_id, *refusal) for coupon_id, refusal in sorted(refused.items())])
    return pricing


def _is_own(coupon: HeldCoupon, locked_by: str | None) -> bool:
    return coupon.standing is Standing.LOCKED and locked_by is not None and coupon.lock_reference == locked_by


def _told(coupon_id: int, reason: Unfit, lacking: Lacking) -> Json:
    return {"coupon_id": coupon_id, "reason": reason.value, "message": explain(reason, lacking), **lacking}


def _check(coupon: HeldCoupon, held: Held, quoted: Quote) -> Checked:
    told = (coupon.id, coupon.template_id, coupon.terms, coupon.expires_at)
    refusal = held.why_not(coupon)
    if refusal is not None:
        return Checked(*told, 0, *refusal)
    return Checked(*told, quoted.discount_fen, quoted.reason, quoted.lacking, quoted.shares)
