"""The coupon centre (领券中心), the page of one template with its countdown, claim links and claim codes.

A claim is a form with a key of its own, so that whoever sends it twice gets one coupon. The script of the page sends
the same form, waits where the server is busy, and asks no sooner than it is told.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for

from loyalty.coupons.queries import centre
from loyalty.coupons.queries.centre import CentreView
from loyalty.coupons.rules.claiming import ClaimState
from loyalty.coupons.rules.errors import CouponAlreadyClaimed, CouponNotOpen, CouponSoldOut
from loyalty.coupons.rules.sentences import claim_window, details, headline
from loyalty.coupons.service import self_service
from loyalty.coupons.service.issuing import Issued
from loyalty.coupons.service.sold_out import Asked
from loyalty.kernel.errors import LoyaltyError, NotFound, Unavailable
from loyalty.kernel.transaction import run
from loyalty.kernel.waiting import retry_after
from portal.context import container
from portal.errors import form_again, status_of
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.form_keys import new_key, sent_key
from portal.h5.paths import inside

MILLISECOND = timedelta(milliseconds=1)
STATE_NAMES = {
    ClaimState.CLAIMABLE: "可领取",
    ClaimState.UPCOMING: "未开始",
    ClaimState.POINTS_SHORT: "积分不足",
    ClaimState.CLAIMED: "已领取",
    ClaimState.SOLD_OUT: "已领完",
    ClaimState.NOT_FOR_MEMBER: "不可领",
    ClaimState.CLOSED: "已结束",
}


@blueprint.get("/coupon-centre")
def coupon_centre() -> str:
    """Show what can be claimed."""
    at, member_id, zone = container().clock.now(), session.member_id(), container().zone
    cursor = request.args.get("cursor")
    page = run(
        container().database,
        lambda database_session: centre.list_centre(
            database_session, member_id=member_id, at=at, zone=zone, cursor=cursor
        ),
    )
    return render_template(
        "h5/coupon_centre.html", page=page, headline=headline, state_names=STATE_NAMES, new_key=new_key
    )


@blueprint.get("/coupon-centre/<int:template_id>")
def coupon_offer(template_id: int) -> Response:
    """Show one template of the centre; before claiming opens with a countdown by the server's time."""
    return _offer(partial(centre.see_template, template_id=template_id))


@blueprint.get("/c/<link_token>")
def coupon_link(link_token: str) -> Response:
    """Show the template that a link or its QR code names; a fan binds a phone first and comes back here."""
    return _offer(partial(centre.see_link, link_token=link_token))


def _turn_away(**named: Any) -> Response | None:
    """Answer who comes too late for the last coupon, by a key of ours or by none."""
    at = container().clock.now()
    try:
        container().sold_out.check(Asked(**named), key=sent_key() or "", at=at)
    except CouponSoldOut as error:
        return _refused(error, at)
    return None


@blueprint.post("/coupon-centre/<int:template_id>")
@session.before_login(_turn_away)
def claim_coupon(template_id: int) -> Response:
    """Claim a coupon in the centre."""
    return _claimed(partial(self_service.claim, template_id=template_id), Asked(template_id=template_id))


@blueprint.post("/c/<link_token>")
@session.before_login(_turn_away)
def claim_coupon_by_link(link_token: str) -> Response:
    """Claim the coupon of a link."""
    return _claimed(partial(self_service.claim_by_link, link_token=link_token), Asked(link_token=link_token))


@blueprint.get("/coupon-code")
def claim_code_form() -> str:
    """Show where a claim code is typed; a QR code may have brought it along."""
    return render_template("h5/claim_code.html", typed=request.args.get("code", ""), error=None)


@blueprint.post("/coupon-code")
def claim_code() -> Response:
    """Claim the coupon of a claim code."""
    typed = request.form.get("code", "")
    try:
        issued = self_service.claim_by_code(
            container().database,
            codes_key=container().settings.member_code_key,
            typed=typed,
            member_id=session.member_id(),
            at=container().clock.now(),
            zone=container().zone,
        )
    except LoyaltyError as error:
        page = render_template("h5/claim_code.html", typed=typed, error=error.message)
        return form_again(page, error)
    return _to_coupon(issued)


def _offer(see: Callable[..., CentreView]) -> Response:
    at, zone = container().clock.now(), container().zone
    view = run(container().database, partial(see, member_id=session.member_id(), at=at, zone=zone))
    page = render_template(
        "h5/coupon_offer.html",
        view=view,
        headline=headline,
        state_names=STATE_NAMES,
        lines=details(view.terms, view.names),
        window=claim_window(view.terms.claiming, zone),
        opens_in_ms=_milliseconds_until(view.opens_at, at),
        key=new_key(),
    )
    response = make_response(page)
    # Kept by the browser, the countdown would start anew from where it once was.
    response.headers["Cache-Control"] = "no-store"
    return response


def _claimed(claim: Callable[..., Issued], asked: Asked) -> Response:
    at, zone, database = container().clock.now(), container().zone, container().database
    # A key that no page of ours made stands for nothing, and a new one takes its place.
    key = sent_key() or new_key()
    try:
        with container().sold_out.learning(database, asked, at=at):
            issued = claim(database, member_id=session.member_id(), key=key, at=at, zone=zone)
    except (Unavailable, NotFound):
        raise  # a page of its own; of a busy server the script reads only when to come back
    except LoyaltyError as error:
        return _refused(error, at)
    return _to_coupon(issued)


def _to_coupon(issued: Issued) -> Response:
    flash("领取成功，已放入券包", "info")
    return _to(inside(request.form.get("next")) if "next" in request.form else _coupon_url(issued.coupon_id))


def _refused(error: LoyaltyError, at: datetime) -> Response:
    """Say why not: to the script in a few words, to a form on the page it came from."""
    if isinstance(error, CouponAlreadyClaimed):
        flash(error.message, "info")
        return _to(_coupon_url(cast(int, error.details["coupon_id"])))
    if not _is_by_script():
        flash(error.message, "error")
        return _to(inside(request.form.get("next") or request.path))
    told: dict[str, object] = {"message": error.message}
    if isinstance(error, CouponNotOpen):
        told["opens_in_ms"] = _milliseconds_until(datetime.fromisoformat(str(error.details["opens_at"])), at)
    response = make_response(jsonify(told), status_of(error))
    response.headers["Retry-After"] = str(retry_after(error.retry_after_seconds))
    return response


def _to(location: str) -> Response:
    return jsonify(location=location) if _is_by_script() else cast(Response, redirect(location, 303))


def _coupon_url(coupon_id: int) -> str:
    return url_for("h5.coupon", coupon_id=coupon_id)


def _is_by_script() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _milliseconds_until(instant: datetime | None, at: datetime) -> int | None:
    return None if instant is None else max(0, -(-(instant - at) // MILLISECOND))
