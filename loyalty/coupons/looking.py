"""What stands when somebody wants a coupon: the template, the member and the stock, in one statement."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, BigInteger, String, Text, bindparam, cast, exists, func, literal, or_, select, true
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponTemplate, CouponTemplateRevision
from loyalty.coupons.rules.documents import from_json
from loyalty.coupons.rules.errors import CouponTemplateNotFound
from loyalty.coupons.rules.issuing import check_eligible, check_issuing, check_stock_left
from loyalty.coupons.rules.limiting import subject_of
from loyalty.coupons.rules.states import IssuePath, TemplateState
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.validity import Period, validity_of
from loyalty.kernel.prepared import send
from loyalty.limits.models import LimitCounter
from loyalty.limits.rules import ALL, TOTAL
from loyalty.members.models import Member
from loyalty.members.queries import check_living, family_ids
from loyalty.members.rules.members import MemberNotFound
from loyalty.points.posting import table_of
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


@dataclass(frozen=True, slots=True)
class Looking:
    """Who wants a coupon of which template, under which reference."""

    template_id: int
    member_id: int
    reference: str
    day: str
    """The business date as limits name it."""
    at: datetime


def look(session: Session, wanted: Looking) -> Situation:
    """Return what stands at this moment, locking nothing.

    Raises:
        CouponTemplateNotFound: there is no such template, or it was never published.
        MemberNotFound, MemberGone, MemberProvisional: the member can have no coupon.
    """
    return _read(session, _LOOK, wanted)


def look_and_stay(session: Session, wanted: Looking) -> Situation:
    """Return what stands, and keep the member from being merged until the transaction ends, unless nothing is left.

    What the member takes of limits is then counted for the survivor, whichever of both comes first. It is the lock
    that the coupon's row takes on its member anyhow, taken before the limits as a merge does; nobody but a merge
    waits for it.

    Raises:
        CouponTemplateNotFound: there is no such template, or it was never published.
        MemberNotFound, MemberGone, MemberProvisional: the member can have no coupon.
    """
    return _read(session, _LOOK_AND_STAY, wanted)


def _read(session: Session, statement: Any, wanted: Looking) -> Situation:
    template_id, member_id = wanted.template_id, wanted.member_id
    named = {**asdict(wanted), "subject": subject_of(template_id)}
    row = next(iter(send(session, statement, named)), None)
    if row is None:
        raise MemberNotFound(member_id=member_id)
    if row.state is None:
        raise CouponTemplateNotFound(template_id=template_id)
    check_living(member_id, row.status)
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


def check(found: Situation, *, path: IssuePath, at: datetime, zone: ZoneInfo) -> Period:
    """Refuse what stands against a coupon on this way, limits that are not looked at aside; return its period.

    Raises:
        CouponTemplateNotFound, CouponNotIssuing, CouponNotOpen, CouponClosed: the template issues nothing now.
        CouponNotForMember: it is for other tiers or tags.
        CouponSoldOut: nothing is left of the stock.
        CouponPeriodOver: its fixed dates have passed.
        CouponHoursOver: within its period it could not be used any more.
    """
    terms = found.terms
    check_issuing(found.state, terms.claiming, path, at)
    check_eligible(terms.eligibility, tier_level=found.tier_level, tags=found.tags)
    check_stock_left(terms.stock, stock=found.stock, stock_used=found.stock_used, day_stock_used=found.day_stock_used)
    return validity_of(terms, issued_at=at, zone=zone)


def used_of(subject: Any, period: Any) -> Any:
    """Return how many of a template's stock are issued, in all or on a day, for a statement to take along."""
    is_counted = (LimitCounter.subject == subject) & (LimitCounter.entity == ALL) & (LimitCounter.period == period)
    return select(func.sum(LimitCounter.used)).where(is_counted).scalar_subquery()


SUBJECT = func.concat(literal(subject_of(0).removesuffix("0")), CouponTemplate.id)
"""Under which subject the coupons of a template's row are counted."""


@lru_cache(maxsize=1_000)
def read_terms(text: str) -> Terms:
    """Read the terms of a revision once for all coupons of it."""
    return from_json(json.loads(text))


def _known(row: Mapping[str, Any]) -> KnownCoupon:
    return KnownCoupon(
        row["id"],
        row["template_id"],
        datetime.fromisoformat(row["usable_at"]),
        datetime.fromisoformat(row["expires_at"]),
    )


def _template() -> CTE:
    """The template as it issues now, and what is used of its stock."""
    template, revision = CouponTemplate, CouponTemplateRevision
    subject = bindparam("subject", type_=String)
    return (
        select(
            *(template.state, template.stock, template.revision_id),
            cast(revision.terms, Text).label("terms"),
            used_of(subject, bindparam("period", TOTAL)).label("stock_used"),
            used_of(subject, bindparam("day", type_=String)).label("day_stock_used"),
        )
        .join(revision, revision.id == template.revision_id)
        .where(template.id == bindparam("template_id", type_=BigInteger))
        .cte("template")
    )


def _statement(*, stays: bool) -> Any:
    member_id = bindparam("member_id", type_=BigInteger)
    known = (
        select(
            func.jsonb_build_object(
                *("id", Coupon.id, "template_id", Coupon.template_id),
                *("usable_at", Coupon.usable_at, "expires_at", Coupon.expires_at),
            )
        )
        .where(Coupon.member_id.in_(family_ids(member_id)), Coupon.reference == bindparam("reference", type_=String))
        .limit(1)
        .scalar_subquery()
    )
    level = select(LEVEL).where(MemberTier.member_id == member_id).scalar_subquery()
    template = _template()
    looked = (
        select(*template.c, func.coalesce(level, LOWEST_LEVEL).label("tier_level"), TAG_IDS, known.label("known"))
        .select_from(Member)
        .outerjoin(template, true())
        .where(Member.id == member_id)
    )
    if not stays:
        return looked.add_columns(Member.status)
    is_left = or_(template.c.stock.is_(None), func.coalesce(template.c.stock_used, 0) < template.c.stock)
    held = (
        select(_MEMBERS.c.status)
        .where(_MEMBERS.c.id == member_id, exists(select(template.c.stock).where(is_left)))
        .with_for_update(read=True, key_share=True)
        .cte("held")
    )
    # Of who was waited for, the lock brings the state as it has become.
    return looked.outerjoin(held, true()).add_columns(func.coalesce(held.c.status, Member.status).label("status"))


_MEMBERS = table_of(Member)
_LOOK, _LOOK_AND_STAY = (_statement(stays=stays) for stays in (False, True))
