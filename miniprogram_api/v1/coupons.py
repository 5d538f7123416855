"""Coupons (优惠券): the wallet, one coupon, and its rotating code for the till.

Coupons are written as the schemas say, but not by them: of a wallet that would cost as much as all the rest.
"""

from typing import Any

from flask import Response, jsonify, make_response, url_for

from loyalty.coupons.queries import coupon_page, pictures, wallet
from loyalty.coupons.queries.coupon_page import CouponPage
from loyalty.coupons.queries.wallet import CouponView, Shelf
from loyalty.coupons.rules.codes import current_code
from loyalty.coupons.rules.sentences import details, headline
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.words import window_words
from loyalty.kernel.qr import qr_svg
from loyalty.kernel.transaction import run
from miniprogram_api.auth import public
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import coupons as schemas

FOR_EVER = "public, max-age=31536000, immutable"
blueprint = subject("coupons", __name__, description="The wallet, and coupons at the till.")


@blueprint.get("/coupons")
@blueprint.arguments(schemas.WalletQuery, location="query")
@blueprint.response(200, schemas.Wallet)
def list_coupons(query: dict[str, Any]) -> Response:
    """List one shelf of the wallet, coupons of merged accounts included."""
    at, owner, shelf = container().clock.now(), member_id(), Shelf(query.pop("shelf"))
    page = wallet.wallet_alone(container().database, member_id=owner, shelf=shelf, at=at, **query)
    faces = {view.revision_id: view.terms for view in page.items}
    told = {revision_id: _face(terms) for revision_id, terms in faces.items()}
    items = [told[view.revision_id] | _own(view) for view in page.items]
    return jsonify(items=items, next_cursor=page.next_cursor)


@blueprint.get("/coupons/<int:coupon_id>")
@blueprint.response(200, schemas.CouponDetail)
def show_coupon(coupon_id: int) -> Response:
    """Show one coupon: its terms, why it cannot be used at this moment, and where it was used."""
    at, owner, zone = container().clock.now(), member_id(), container().zone
    page = run(
        container().database,
        lambda session: coupon_page.coupon_page(session, coupon_id=coupon_id, member_id=owner, at=at, zone=zone),
    )
    coupon = page.coupon
    told = {
        "lines": details(coupon.terms, page.names),
        "description": coupon.terms.description,
        "issued_at": coupon.issued_at.isoformat(),
        "points_paid": coupon.points_paid,
        "unfit": None if page.refusal is None else page.refusal[0].value,
        "reason": page.reason,
        "redemption": _redemption(page),
    }
    return jsonify(_face(coupon.terms) | _own(coupon) | told)


@blueprint.get("/coupons/<int:coupon_id>/code")
@blueprint.response(200, schemas.CouponCode)
def show_code(coupon_id: int) -> dict[str, Any]:
    """Show the code of this minute; ask again when valid_until has passed. What cannot be used now has none."""
    at, owner, zone = container().clock.now(), member_id(), container().zone
    run(
        container().database,
        lambda session: coupon_page.require_usable_now(session, coupon_id=coupon_id, member_id=owner, at=at, zone=zone),
    )
    code = current_code(container().settings.member_code_key, coupon_id, at)
    return {
        "code": code.code,
        "display": code.display,
        "valid_until": code.valid_until,
        "qr_svg": qr_svg(code.code, scale=6),
    }


@blueprint.get("/coupon-pictures/<digest>")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/*")
@public
def show_picture(digest: str) -> Response:
    """Serve a picture of a template, to be kept for ever: what a digest names never changes."""
    picture = run(container().database, lambda session: pictures.get_picture(session, digest=digest))
    response = make_response(picture.content)
    response.headers.update({"Content-Type": picture.media_type, "Cache-Control": FOR_EVER})
    return response


def picture_path(terms: Terms) -> str | None:
    """Return the path of a template's picture, if it has one."""
    if terms.picture is None:
        return None
    return url_for("miniprogram_coupons.show_picture", digest=terms.picture)


def _face(terms: Terms) -> dict[str, Any]:
    """What all coupons of a revision show."""
    return {
        "title": terms.title,
        "headline": headline(terms),
        "window": window_words(terms.windows),
        "picture": picture_path(terms),
    }


def _own(view: CouponView) -> dict[str, Any]:
    """What a coupon shows of its own."""
    return {
        "id": view.id,
        "template_id": view.template_id,
        "standing": view.standing.value,
        "usable_at": view.usable_at.isoformat(),
        "expires_at": view.expires_at.isoformat(),
        "redeemed_at": None if view.redeemed_at is None else view.redeemed_at.isoformat(),
    }


def _redemption(page: CouponPage) -> dict[str, Any] | None:
    used = page.redemption
    if used is None:
        return None
    return {
        "redeemed_at": used.redeemed_at.isoformat(),
        "store_name": page.store_name,
        "discount_fen": used.discount_fen,
        "bonus_points": used.bonus_points,
    }
