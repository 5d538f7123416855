"""The coupon centre (领券中心): what a member can claim, and claiming it there, by a link or by a code."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, request

from loyalty.coupons.queries import centre
from loyalty.coupons.queries.centre import CentreView
from loyalty.coupons.rules.errors import CouponSoldOut
from loyalty.coupons.rules.sentences import details, headline
from loyalty.coupons.service import self_service
from loyalty.coupons.service.issuing import Issued
from loyalty.coupons.service.sold_out import Asked
from loyalty.kernel.transaction import run
from miniprogram_api import errors
from miniprogram_api.auth import before_login
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.coupons import picture_path
from miniprogram_api.v1.schemas import coupons as schemas
from miniprogram_api.v1.schemas.base import CursorQuery, RequiredIdempotencyHeaders

blueprint = subject("coupon_centre", __name__, description="Coupons to claim.")


def _turn_away(**named: Any) -> Response | None:
    """Answer who comes too late for the last coupon; without a key the view says what is missing."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return None
    try:
        container().sold_out.check(Asked(**named), key=key, at=container().clock.now())
    except CouponSoldOut as error:
        return errors.told(error)
    return None


@blueprint.get("/coupon-centre")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.Offers)
def list_offers(query: dict[str, Any]) -> dict[str, Any]:
    """List what the centre offers; of a page, what can be claimed comes first."""
    at, owner, zone = container().clock.now(), member_id(), container().zone
    page = run(
        container().database,
        lambda session: centre.list_centre(session, member_id=owner, at=at, zone=zone, **query),
    )
    return {"items": [_offer(view) for view in page.items], "next_cursor": page.next_cursor, "now": at}


@blueprint.get("/coupon-centre/<int:template_id>")
@blueprint.response(200, schemas.OfferDetail)
def show_offer(template_id: int) -> dict[str, Any]:
    """Show one template of the centre with all of its terms."""
    return _seen(partial(centre.see_template, template_id=template_id))


@blueprint.post("/coupon-centre/<int:template_id>/claims")
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.Claimed)
@before_login(_turn_away)
def claim(headers: dict[str, Any], template_id: int) -> Any:
    """Claim a coupon; a second tap under another key is refused with the coupon held in the details."""
    return _claimed(partial(self_service.claim, template_id=template_id), Asked(template_id=template_id), headers)


@blueprint.get("/coupon-links/<link_token>")
@blueprint.response(200, schemas.OfferDetail)
def show_link(link_token: str) -> dict[str, Any]:
    """Show the template that a claim link or its QR code names."""
    return _seen(partial(centre.see_link, link_token=link_token))


@blueprint.post("/coupon-links/<link_token>/claims")
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.Claimed)
@before_login(_turn_away)
def claim_by_link(headers: dict[str, Any], link_token: str) -> Any:
    """Claim the coupon of a link; a second tap under another key is refused with the coupon held in the details."""
    return _claimed(partial(self_service.claim_by_link, link_token=link_token), Asked(link_token=link_token), headers)


@blueprint.post("/coupon-codes/claims")
@blueprint.arguments(schemas.ClaimCodeRequest)
@blueprint.response(201, schemas.Claimed)
def claim_by_code(body: dict[str, Any]) -> Any:
    """Claim the coupon of a claim code; again by the same member, the first answer again. So many tries a day."""
    return self_service.claim_by_code(
        container().database,
        codes_key=container().settings.member_code_key,
        typed=body["code"],
        member_id=member_id(),
        at=container().clock.now(),
        zone=container().zone,
    )


def _offer(view: CentreView) -> dict[str, Any]:
    terms = view.terms
    return {
        "template_id": view.template_id,
        "title": terms.title,
        "headline": headline(terms),
        "state": view.state.value,
        "reason": view.reason,
        "opens_at": view.opens_at,
        "closes_at": terms.claiming.closes_at,
        "points_price": terms.claiming.points_price,
        "percent_left": view.percent_left,
        "picture": picture_path(terms),
    }


def _claimed(claim: Callable[..., Issued], asked: Asked, headers: dict[str, Any]) -> Issued:
    key, at, zone, database = (
        headers["idempotency_key"],
        container().clock.now(),
        container().zone,
        container().database,
    )
    with container().sold_out.learning(database, asked, at=at):
        return claim(database, member_id=member_id(), key=key, at=at, zone=zone)


def _seen(see: Callable[..., CentreView]) -> dict[str, Any]:
    at, owner, zone = container().clock.now(), member_id(), container().zone
    view = run(container().database, partial(see, member_id=owner, at=at, zone=zone))
    told = {"lines": details(view.terms, view.names), "description": view.terms.description, "now": at}
    return _offer(view) | told
