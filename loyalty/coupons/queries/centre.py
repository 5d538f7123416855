"""The coupon centre (领券中心): templates as one member sees them and what bars a claim, in one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, DateTime, String, Text, bindparam, cast, func, select, true
from sqlalchemy.orm import Session

from loyalty.coupons.looking import SUBJECT, read_terms
from loyalty.coupons.models import CouponTemplate, CouponTemplateRevision
from loyalty.coupons.queries.names import names_in, read_names
from loyalty.coupons.rules.claiming import ClaimState, Sight, explain_refusal, obstacle, percent_left, state_of
from loyalty.coupons.rules.errors import CouponTemplateNotFound
from loyalty.coupons.rules.states import IssuePath, TemplateState
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.words import Names
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.texts import is_storable
from loyalty.limits.models import LimitCounter
from loyalty.limits.rules import ALL, TOTAL, day_of, member_entity
from loyalty.points.queries import SUMMARY
from loyalty.tags.queries import TAG_IDS
from loyalty.tiers.models import MemberTier
from loyalty.tiers.periods import LEVEL
from loyalty.tiers.rules import LOWEST_LEVEL


@dataclass(frozen=True, slots=True)
class CentreView:
    """A template as one member sees it."""

    template_id: int
    terms: Terms
    names: Names
    state: ClaimState
    reason: str | None
    """In Chinese, why the member cannot claim now."""
    opens_at: datetime | None
    """When claiming opens, while it has not."""
    percent_left: int | None
    """What is left of the stock; None when it is unlimited."""


def list_centre(
    session: Session,
    *,
    member_id: int,
    at: datetime,
    zone: ZoneInfo,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[CentreView]:
    """Return what the centre offers, the newest first, and of a page what can be claimed before what cannot.

    What is over, paused or stopped is left out; what is sold out or for others is shown as such.
    """
    named = {"last_id": decode_cursor(cursor), "limit": limit + 1}
    rows = session.execute(_CENTRE, _named(member_id, at, zone) | named)
    views = [_view(row, IssuePath.CLAIM, at, zone) for row in rows]
    page = page_of(views, limit=limit, id_of=lambda view: view.template_id)
    return Page(sorted(page.items, key=lambda view: _ORDER[view.state]), page.next_cursor)


def see_template(session: Session, *, template_id: int, member_id: int, at: datetime, zone: ZoneInfo) -> CentreView:
    """Return one template of the centre, also when it is over or paused.

    Raises:
        CouponTemplateNotFound: there is none of this id in the centre.
    """
    named = _named(member_id, at, zone) | {"template_id": template_id}
    row = session.execute(_BY_ID, named).one_or_none()
    if row is None or not read_terms(row.terms).claiming.is_in_centre:
        raise CouponTemplateNotFound(template_id=template_id)
    return _view(row, IssuePath.CLAIM, at, zone)


def see_link(session: Session, *, link_token: str, member_id: int, at: datetime, zone: ZoneInfo) -> CentreView:
    """Return the template that a claim link names.

    Raises:
        CouponTemplateNotFound: there is no such template, or it was never published.
    """
    if not is_storable(link_token):
        raise CouponTemplateNotFound
    row = session.execute(_BY_LINK, _named(member_id, at, zone) | {"link_token": link_token}).one_or_none()
    if row is None:
        raise CouponTemplateNotFound
    return _view(row, IssuePath.LINK, at, zone)


_ORDER: Mapping[ClaimState, int] = {state: place for place, state in enumerate(ClaimState)}


def _named(member_id: int, at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    on = business_date(at, zone)
    return {"member_id": member_id, "at": at, "entity": member_entity(member_id), "day": day_of(on), "on": on}


def _view(row: AnyRow, path: IssuePath, at: datetime, zone: ZoneInfo) -> CentreView:
    sight, names = _sight(row), read_names(row.names)
    refusal = obstacle(sight, path=path, at=at, zone=zone)
    state = state_of(refusal)
    return CentreView(
        template_id=row.id,
        terms=sight.terms,
        names=names,
        state=state,
        reason=None if refusal is None else explain_refusal(refusal, sight, names=names, zone=zone),
        opens_at=sight.terms.claiming.opens_at if state is ClaimState.UPCOMING else None,
        percent_left=percent_left(sight),
    )


def _sight(row: AnyRow) -> Sight:
    return Sight(
        state=TemplateState(row.state),
        terms=read_terms(row.terms),
        stock=row.stock,
        stock_used=int(row.stock_used or 0),
        day_stock_used=int(row.day_stock_used or 0),
        own_total=int(row.own_total or 0),
        own_day=int(row.own_day or 0),
        tier_level=row.tier_level,
        tags=frozenset(row.tag_ids or ()),
        points_available=int(row.points_available or 0),
    )


_AT = bindparam("at", type_=DateTime(timezone=True))
_OWN, _DAY = (bindparam(name, type_=String) for name in ("entity", "day"))
_LAST_ID: Any = bindparam("last_id", type_=BigInteger)


def _counts() -> Any:
    counter = LimitCounter

    def used(entity: Any, period: Any) -> Any:
        return func.sum(counter.used).filter(counter.entity == entity, counter.period == period)

    return (
        select(
            used(ALL, TOTAL).label("stock_used"),
            used(ALL, _DAY).label("day_stock_used"),
            used(_OWN, TOTAL).label("own_total"),
            used(_OWN, _DAY).label("own_day"),
        )
        .where(
            counter.subject == SUBJECT,
            counter.entity.in_([ALL, _OWN]),
            counter.period.in_([TOTAL, _DAY]),
        )
        .lateral("counts")
    )


def _seen() -> Any:
    template, revision = CouponTemplate, CouponTemplateRevision
    counts, points = _counts(), SUMMARY.subquery("points_now")
    level = select(LEVEL).where(MemberTier.member_id == bindparam("member_id", type_=BigInteger)).scalar_subquery()
    return (
        select(
            *(template.id, template.state, template.stock),
            cast(revision.terms, Text).label("terms"),
            names_in(revision.terms).label("names"),
            *counts.c,
            func.coalesce(level, LOWEST_LEVEL).label("tier_level"),
            TAG_IDS,
            select(func.greatest(points.c.available - points.c.debt, 0)).scalar_subquery().label("points_available"),
        )
        .select_from(template)
        .join(revision, revision.id == template.revision_id)
        .join(counts, true())
    )


def _centre() -> Any:
    terms: Any = CouponTemplateRevision.terms
    closes_at = cast(terms["claiming"]["closes_at"].as_string(), DateTime(timezone=True))
    last_on = cast(terms["validity"]["last_on"].as_string(), Date)
    return (
        _seen()
        .where(
            CouponTemplate.state == TemplateState.LIVE,
            terms["claiming"]["is_in_centre"].as_boolean(),
            func.coalesce(closes_at > _AT, true()),
            func.coalesce(last_on >= bindparam("on", type_=Date), true()),
            CouponTemplate.id < func.coalesce(_LAST_ID, 2**63 - 1),
        )
        .order_by(CouponTemplate.id.desc())
        .limit(bindparam("limit", type_=BigInteger))
    )


_CENTRE = _centre()
_BY_ID = _seen().where(CouponTemplate.id == bindparam("template_id", type_=BigInteger))
_BY_LINK = _seen().where(CouponTemplate.link_token == bindparam("link_token", type_=String))
