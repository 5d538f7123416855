"""The wallet (券包) and one coupon with its rotating code for the till."""

from dataclasses import dataclass

from flask import Response, make_response, render_template, request

from loyalty.coupons.queries import coupon_page, pictures, wallet
from loyalty.coupons.queries.coupon_page import CouponPage
from loyalty.coupons.queries.wallet import Shelf
from loyalty.coupons.rules.codes import current_code
from loyalty.coupons.rules.sentences import details, headline
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.words import window_words
from loyalty.kernel.rotating_codes import RotatingCode
from loyalty.kernel.transaction import run
from loyalty.kernel.wording import yuan
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint

SHELF_NAMES = {Shelf.USABLE: "可使用", Shelf.USED: "已使用", Shelf.LAPSED: "已失效"}
STANDING_NAMES = {
    Standing.UPCOMING: "未生效",
    Standing.USABLE: "可使用",
    Standing.LOCKED: "订单占用中",
    Standing.USED: "已使用",
    Standing.LAPSED: "已过期",
    Standing.VOIDED: "已作废",
}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Shown:
    """One coupon as its page shows it, with the code of this minute when it can be used."""

    page: CouponPage
    code: RotatingCode | None


@blueprint.get("/coupons")
def coupons() -> str:
    """Show one shelf of the wallet."""
    at, member_id, cursor = container().clock.now(), session.member_id(), request.args.get("cursor")
    shelf = _shelf(request.args.get("shelf"))
    page = wallet.wallet_alone(container().database, member_id=member_id, shelf=shelf, at=at, cursor=cursor)
    return render_template(
        "h5/coupons.html",
        page=page,
        shelf=shelf,
        shelf_names=SHELF_NAMES,
        standing_names=STANDING_NAMES,
        headline=headline,
        window_words=window_words,
    )


@blueprint.get("/coupons/<int:coupon_id>")
def coupon(coupon_id: int) -> str:
    """Show one coupon."""
    shown = _shown(coupon_id)
    lines = details(shown.page.coupon.terms, shown.page.names)
    return render_template(
        "h5/coupon.html", shown=shown, lines=lines, standing_names=STANDING_NAMES, headline=headline, yuan=yuan
    )


@blueprint.get("/coupons/<int:coupon_id>/code")
def coupon_code(coupon_id: int) -> str:
    """Show the code alone; the coupon's page asks for it anew when it rotates."""
    return render_template("h5/_coupon_code.html", shown=_shown(coupon_id), standing_names=STANDING_NAMES)


@blueprint.get("/coupon-pictures/<digest>")
@session.public
def coupon_picture(digest: str) -> Response:
    """Serve a picture of a template, to be kept for ever: what a digest names never changes."""
    picture = run(container().database, lambda database_session: pictures.get_picture(database_session, digest=digest))
    response = make_response(picture.content)
    response.headers.update({"Content-Type": picture.media_type, "Cache-Control": FOR_EVER})
    return response


def _shown(coupon_id: int) -> Shown:
    at, member_id, zone = container().clock.now(), session.member_id(), container().zone
    page = run(
        container().database,
        lambda database_session: coupon_page.coupon_page(
            database_session, coupon_id=coupon_id, member_id=member_id, at=at, zone=zone
        ),
    )
    key = container().settings.member_code_key
    return Shown(page, current_code(key, coupon_id, at) if page.refusal is None else None)


def _shelf(name: str | None) -> Shelf:
    return Shelf(name) if name in list(Shelf) else Shelf.USABLE
