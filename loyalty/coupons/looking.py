"""What stands when somebody wants a coupon: the template, the member and the stock, in one statement."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, String, Text, bindparam, cast, func, or_, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponTemplate, CouponTemplateRevision
from loyalty.coupons.rules.documents import from_json
from loyalty.coupons.rules.errors import CouponTemplateNotFound
from loyalty.coupons.rules.limiting import ALL, subject_of
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.rules.terms import Terms
from loyalty.kernel.prepared import send
from loyalty.limits.models import LimitCounter
from loyalty.limits.rules import TOTAL
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberProvisional, MemberStatus
from loyalty.tags.queries import TAG_IDS
from loyalty.tiers.models import MemberTier
from loyalty.tiers.periods import LEVEL
from loyalty.tiers.rules import LOWEST_LEVEL


@dataclass(frozen=True, slots=True)
class KnownCoupon:
    """A coupon that was issued under a reference."""

    id: int
    template_id: int
    usable_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """A template as it issues now, and the member who wants a coupon of it."""

    template_id: int
    revision_id: int
    state: TemplateState
    stock: int | None
    stock_used: int
    day_stock_used: int
    terms: Terms
    tier_level: int
    tags: frozenset[int]
    known: KnownCoupon | None


def look(session: Session, *, template_id: int, member_id: int, reference: str, day: str, at: datetime) -> Situation:
    """Return what stands at this moment, locking nothing; ``day`` is the business date as limits name it.

    Raises:
        CouponTemplateNotFound: there is no such template, or it was never published.
        MemberNotFound, MemberGone, MemberProvisional: the member can have no coupon.
    """
    named = {
        "template_id": template_id,
        "member_id": member_id,
        "reference": reference,
        "subject": subject_of(template_id),
        "day": day,
        "at": at,
    }
    row = next(iter(send(session, _LOOK, named)), None)
    if row is None or row.state is None:
        raise MemberNotFound(member_id=member_id) if row is None else CouponTemplateNotFound(template_id=template_id)
    _check_member(member_id, row.status)
    return Situation(
        template_id=template_id,
        revision_id=row.revision_id,
        state=TemplateState(row.state),
        stock=row.stock,
        stock_used=int(row.stock_used or 0),
        day_stock_used=int(row.day_stock_used or 0),
        terms=read_terms(row.terms),
        tier_level=row.tier_level,
        tags=frozenset(row.tag_ids or ()),
        known=None if row.known is None else _known(row.known),
    )


@lru_cache(maxsize=1_000)
def read_terms(text: str) -> Terms:
    """Read the terms of a revision once for all coupons of it."""
    return from_json(json.loads(text))


def _check_member(member_id: int, status: str) -> None:
    if status == MemberStatus.PROVISIONAL:
        raise MemberProvisional(member_id=member_id)
    if status not in LIVING:
        raise MemberGone(member_id=member_id)


def _known(row: Mapping[str, Any]) -> KnownCoupon:
    return KnownCoupon(
        row["id"],
        row["template_id"],
        datetime.fromisoformat(row["usable_at"]),
        datetime.fromisoformat(row["expires_at"]),
    )


def _statement() -> Any:
    member_id, template_id = (bindparam(name, type_=BigInteger) for name in ("member_id", "template_id"))
    family = select(Member.id).where(or_(Member.id == member_id, Member.merged_into_id == member_id))
    known = (
        select(
            func.jsonb_build_object(
                *("id", Coupon.id, "template_id", Coupon.template_id),
                *("usable_at", Coupon.usable_at, "expires_at", Coupon.expires_at),
            )
        )
        .where(Coupon.member_id.in_(family), Coupon.reference == bindparam("reference", type_=String))
        .limit(1)
        .scalar_subquery()
    )
    level = select(LEVEL).where(MemberTier.member_id == member_id).scalar_subquery()
    template, revision = CouponTemplate, CouponTemplateRevision
    return (
        select(
            Member.status,
            template.state,
            template.stock,
            template.revision_id,
            cast(revision.terms, Text).label("terms"),
            func.coalesce(level, LOWEST_LEVEL).label("tier_level"),
            TAG_IDS,
            _used(bindparam("period", TOTAL)).label("stock_used"),
            _used(bindparam("day", type_=String)).label("day_stock_used"),
            known.label("known"),
        )
        .select_from(Member)
        .outerjoin(template, (template.id == template_id) & template.revision_id.is_not(None))
        .outerjoin(revision, revision.id == template.revision_id)
        .where(Member.id == member_id)
    )


def _used(period: Any) -> Any:
    return (
        select(func.sum(LimitCounter.used))
        .where(
            LimitCounter.subject == bindparam("subject", type_=String),
            LimitCounter.entity == ALL,
            LimitCounter.period == period,
        )
        .scalar_subquery()
    )


_LOOK = _statement()
