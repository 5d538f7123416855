"""What members carry: coupons, tags, and what campaigns gave. Rows that stay with a merged member count for the
survivor; tags move.
"""

from sqlalchemy import BigInteger, String, column, func, or_, select, table

from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.rules.states import CouponState
from loyalty.points.posting import constant
from loyalty.segments.rules import fact_types as types
from loyalty.segments.sources.parts import Asked, Who, with_survivors
from loyalty.tags.models import MemberTag

_ENTRIES = table(
    "campaign_entries",
    column("campaign_id", BigInteger),
    column("member_id", BigInteger),
    column("state", String),
)
"""Of the module above, by name: who got something of a campaign is asked here, what a campaign is is known there."""
_GOT = "done"
_OPEN = [constant(state) for state in (CouponState.ISSUED, CouponState.LOCKED)]
"""Literal, so that every plan can use the index of open coupons."""


def coupon_held(fact: types.CouponHeld, asked: Asked) -> Who:
    """Who has a coupon of these templates that can be used now; a lock that ran out binds nothing."""
    is_free = or_(Coupon.locked_until_at.is_(None), Coupon.locked_until_at <= asked.at)
    is_open = Coupon.state.in_(_OPEN)
    held = select(Coupon.member_id).where(is_open, is_free, Coupon.usable_at <= asked.at, Coupon.expires_at > asked.at)
    if fact.template_ids:
        held = held.where(Coupon.template_id.in_(sorted(fact.template_ids)))
    return Who(with_survivors(held))


def coupon_used(fact: types.CouponUsed, asked: Asked) -> Who:
    """Who used a coupon of these templates."""
    used = select(CouponRedemption.member_id).where(CouponRedemption.reversed_at.is_(None))
    if fact.template_ids:
        used = used.where(CouponRedemption.template_id.in_(sorted(fact.template_ids)))
    if fact.within_days is not None:
        used = used.where(CouponRedemption.redeemed_at >= asked.start_of(asked.first_of(fact.within_days)))
    return Who(with_survivors(used))


def tags(fact: types.Tags, _asked: Asked) -> Who:
    """Who has one of these tags, all of them, or none."""
    tagged = select(MemberTag.member_id).where(MemberTag.tag_id.in_(sorted(fact.tag_ids)))
    if fact.match is types.Match.ALL:
        return Who(tagged.group_by(MemberTag.member_id).having(func.count() == len(fact.tag_ids)))
    return Who(tagged, is_absent=fact.match is types.Match.NONE)


def campaign(fact: types.Campaign, _asked: Asked) -> Who:
    """Who got something of a campaign and still has it, or did not."""
    got = select(_ENTRIES.c.member_id).where(_ENTRIES.c.campaign_id == fact.campaign_id, _ENTRIES.c.state == _GOT)
    return Who(with_survivors(got), is_absent=not fact.has_got)
