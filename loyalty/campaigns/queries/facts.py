"""What other modules say of the things that a campaign names: its coupons, tags, stores, and what a point is worth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.settings import points_per_yuan
from loyalty.campaigns.rules.costs import Cost, cost_of
from loyalty.campaigns.rules.errors import InvalidCampaign, Problem
from loyalty.campaigns.rules.terms import GiveCoupon, PutTag, Terms
from loyalty.coupons.queries.templates import TemplateView, get_template
from loyalty.coupons.rules.errors import CouponTemplateNotFound
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.rules.terms import Terms as CouponTerms
from loyalty.segments.queries import get_segment
from loyalty.segments.rules.errors import SegmentNotFound
from loyalty.stores import queries as stores
from loyalty.tags import queries as tags

_ISSUING = (TemplateState.LIVE, TemplateState.PAUSED)


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """What is known of the coupons that a campaign gives."""

    terms: Mapping[int, CouponTerms]
    """By template, as they are issued now."""
    stock: Mapping[int, int]
    """How often the campaign could give each that is not unlimited."""


def coupon_facts(session: Session, terms: Terms) -> CouponFacts:
    """Return what the coupons of a campaign are; one that is not issued is left out."""
    given = [action.template_id for action in terms.actions if isinstance(action, GiveCoupon)]
    found = {one: _find_issuing(session, one) for one in set(given)}
    issuing = {one: template for one, template in found.items() if template is not None}
    return CouponFacts(
        terms={one: template.terms for one, template in issuing.items()},
        stock={
            one: template.left // given.count(one) for one, template in issuing.items() if template.left is not None
        },
    )


def cost_once(session: Session, terms: Terms, coupons: Mapping[int, CouponTerms]) -> Cost:
    """Return what giving once costs by what a point is worth now."""
    return cost_of(terms.actions, points_per_yuan=points_per_yuan(session), coupons=coupons)


def check_facts(session: Session, terms: Terms) -> None:
    """Refuse a campaign that names what is not there, or whose budget nobody could keep.

    Raises:
        InvalidCampaign: with everything that is wrong.
    """
    coupons = coupon_facts(session, terms)
    problems = [
        *_coupons(terms, coupons.terms),
        *_tags(session, terms),
        *_places(session, terms),
        *_budget(terms, cost_once(session, terms, coupons.terms)),
    ]
    if problems:
        raise InvalidCampaign(problems)


def _find_issuing(session: Session, template_id: int) -> TemplateView | None:
    try:
        template = get_template(session, template_id=template_id)
    except CouponTemplateNotFound:
        return None
    return template if template.state in _ISSUING else None


def _coupons(terms: Terms, known: Mapping[int, CouponTerms]) -> Iterator[Problem]:
    for place, action in enumerate(terms.actions):
        if isinstance(action, GiveCoupon) and action.template_id not in known:
            yield Problem(f"actions[{place}].template_id", "所送的优惠券不存在、未发布或已停止发放")


def _tags(session: Session, terms: Terms) -> Iterator[Problem]:
    if not any(isinstance(action, PutTag) for action in terms.actions):
        return
    known = tags.list_choices(session)
    for place, action in enumerate(terms.actions):
        if isinstance(action, PutTag) and action.tag_id not in known:
            yield Problem(f"actions[{place}].tag_id", "标签不存在或已停用")


def _places(session: Session, terms: Terms) -> Iterator[Problem]:
    if terms.store_ids and len(stores.names(session, terms.store_ids)) < len(terms.store_ids):
        yield Problem("store_ids", "门店不存在")
    if terms.segment_id is not None:
        try:
            get_segment(session, segment_id=terms.segment_id)
        except SegmentNotFound:
            yield Problem("segment_id", "分群不存在")


def _budget(terms: Terms, cost: Cost) -> Iterator[Problem]:
    if terms.caps.fen is None:
        return
    if cost.uncosted:
        yield Problem("caps.fen", "所送的优惠券没有最高优惠金额，无法按费用封顶，请改用发券上限")
    elif terms.caps.fen < cost.fen:
        yield Problem("caps.fen", "费用上限不够发放一次")
