"""Taking back (收回): a coupon that was given for what is undone becomes worthless, unless it was used meanwhile."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponTemplateRevision
from loyalty.coupons.rules.limiting import limits_of
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.service.voiding import void
from loyalty.coupons.standings import standing_of
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.limits.service import give_back
from loyalty.members.queries import survivor_of


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of a coupon: whether it was voided by this call, and where it stood before."""

    is_voided: bool
    stood: Standing


def take_back(
    session: Session, *, coupon_id: int, reason: str, actor: Actor, at: datetime, zone: ZoneInfo
) -> TakenBack:
    """Void a coupon that is unused, and give its limits back by the business date of its issue (收回).

    One that was used, has lapsed or is void already stays as it is, and stays counted.
    """
    held = select(Coupon).where(Coupon.id == coupon_id).with_for_update(key_share=True)
    coupon = session.scalars(held.execution_options(populate_existing=True)).one()
    stood = standing_of(coupon, at)
    if stood in (Standing.USED, Standing.LAPSED, Standing.VOIDED):
        return TakenBack(is_voided=False, stood=stood)
    void(session, coupon_ids=[coupon_id], reason=reason, actor=actor, at=at)
    _give_limits_back(session, coupon, zone)
    return TakenBack(is_voided=True, stood=stood)


def _give_limits_back(session: Session, coupon: Coupon, zone: ZoneInfo) -> None:
    """Which counters it was taken from is said by the revision that issued it."""
    revision = CouponTemplateRevision
    terms = session.execute(select(cast(revision.terms, Text)).where(revision.id == coupon.revision_id)).scalar_one()
    limits = limits_of(
        read_terms(terms),
        template_id=coupon.template_id,
        stock=None,
        # Since a merge the coupons of the merged member count for the survivor.
        member_id=survivor_of(session, member_id=coupon.member_id),
        store_id=coupon.store_id,
        on=business_date(coupon.issued_at, zone),
    )
    give_back(session, limits=limits, amount=1)
