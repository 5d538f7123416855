"""Coupons (优惠券): the wallet, one coupon, and its rotating code for the till."""

from typing import Any

from flask import Response, make_response, url_for

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
def list_coupons(query: dict[str, Any]) -> dict[str, Any]:
    """List one shelf of the wallet, coupons of merged accounts included."""
    at, owner, shelf = container().clock.now(), member_id(), Shelf(query.pop("shelf"))
    page = run(
        container().database,
        lambda session: wallet.list_wallet(session, member_id=owner, shelf=shelf, at=at, **query),
    )
    return {"items": [_coupon(view) for view in page.items], "next_cursor": page.next_cursor}


@blueprint.get("/coupons/<int:coupon_id>")
@blueprint.response(200, schemas.CouponDetail)
def show_coupon(coupon_id: int) -> dict[str, Any]:
    """Show one coupon: its terms, why it cannot be used at this moment, and where it was used."""
    at, owner, zone = container().clock.now(), member_id(), container().zone
    page = run(
        container().database,
        lambda session: coupon_page.coupon_page(session, coupon_id=coupon_id, member_id=owner, at=at, zone=zone),
    )
    coupon = page.coupon
    return _coupon(coupon) | {
        "lines": details(coupon.terms, page.names),
        "description": coupon.terms.description,
        "issued_at": coupon.issued_at,
        "points_paid": coupon.points_paid,
        "unfit": None if page.refusal is None else page.refusal[0].value,
        "reason": page.reason,
        "redemption": _redemption(page),
    }


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


def _coupon(view: CouponView) -> dict[str, Any]:
    return {
        "id": view.id,
        "template_id": view.template_id,
        "title": view.terms.title,
        "headline": headline(view.terms),
        "standing": view.standing.value,
        "window": window_words(view.terms.windows),
        "usable_at": view.usable_at,
        "expires_at": view.expires_at,
        "redeemed_at": view.redeemed_at,
        "picture": picture_path(view.terms),
    }


def _redemption(page: CouponPage) -> dict[str, Any] | None:
    used = page.redemption
    if used is None:
        return None
    return {
        "redeemed_at": used.redeemed_at,
        "store_name": page.store_name,
        "discount_fen": used.discount_fen,
        "bonus_points": used.bonus_points,
    }
