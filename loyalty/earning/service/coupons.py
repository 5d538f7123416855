"""Coupons by rule (按规则送券): issued with the award, refused without failing it, taken back when it is undone.

Every limit of the template holds here too. A refusal has written nothing and is kept in the evaluation; the purchase
itself goes on. Templates come ascending, so that two awards never wait for each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.queries.prospects import find_refusal
from loyalty.coupons.rules.errors import (
    CouponHoursOver,
    CouponLimitReached,
    CouponNotForMember,
    CouponNotIssuing,
    CouponPeriodOver,
    CouponSoldOut,
    CouponTemplateNotFound,
)
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.issuing import issue
from loyalty.coupons.service.taking_back import TakenBack, take_back
from loyalty.earning.rules import Award, EventFacts
from loyalty.earning.rules.coupons import withheld
from loyalty.earning.service.reserving import Room
from loyalty.kernel.audit import Actor
from loyalty.members.rules.members import MemberGone, MemberProvisional

REFUSALS = (
    CouponHoursOver,
    CouponLimitReached,
    CouponNotForMember,
    CouponNotIssuing,
    CouponPeriodOver,
    CouponSoldOut,
    CouponTemplateNotFound,
    MemberGone,
    MemberProvisional,
)
"""What a purchase survives: it earns without the coupon, and says why."""
UNDONE = "award_undone"
"""The reason that is kept of a coupon that is taken back: the event no longer earns it."""


@dataclass(frozen=True, slots=True)
class Given:
    """The coupons that awards gave, by revision; and the refusals as an evaluation keeps them."""

    coupon_ids: Mapping[int, int] = field(default_factory=dict)
    withheld: Room = field(default_factory=dict)


def give(
    session: Session, *, awards: Iterable[Award], facts: EventFacts, reference: str, at: datetime, zone: ZoneInfo
) -> Given:
    """Issue the coupons that some awards give; one for each, for ever, by its reference and revision."""
    coupon_ids: dict[int, int] = {}
    refused: Room = {}
    for template_id, revision_id in _wanted(awards):
        try:
            issued = issue(
                session,
                template_id=template_id,
                member_id=facts.member_id,
                path=IssuePath.EARNING_RULE,
                reference=coupon_reference(reference, revision_id),
                at=at,
                zone=zone,
                store_id=facts.store_id,
            )
            coupon_ids[revision_id] = issued.coupon_id
        except REFUSALS as refusal:
            refused[withheld(revision_id, refusal)] = 0
    return Given(coupon_ids, refused)


def foresee(session: Session, *, awards: Iterable[Award], facts: EventFacts, at: datetime, zone: ZoneInfo) -> Room:
    """Return which coupons of some awards would be refused at this moment, issuing none."""
    if not facts.member_id:
        return {}
    refused: Room = {}
    for template_id, revision_id in _wanted(awards):
        refusal = find_refusal(
            session,
            template_id=template_id,
            member_id=facts.member_id,
            path=IssuePath.EARNING_RULE,
            store_id=facts.store_id,
            at=at,
            zone=zone,
        )
        if refusal is not None:
            refused[withheld(revision_id, refusal)] = 0
    return refused


def undo(session: Session, *, coupon_id: int, at: datetime, zone: ZoneInfo) -> TakenBack:
    """Take a coupon back that is not earned any more; one that was used stays."""
    return take_back(session, coupon_id=coupon_id, reason=UNDONE, actor=Actor("system:earning"), at=at, zone=zone)


def coupon_reference(reference: str, revision_id: int) -> str:
    """Return the reference of the coupon that a revision gives for an event."""
    return f"earning:{reference}:{revision_id}"


def _wanted(awards: Iterable[Award]) -> list[tuple[int, int]]:
    found = ((one.coupon_template_id, one.revision_id) for one in awards)
    return sorted((template_id, revision_id) for template_id, revision_id in found if template_id is not None)
