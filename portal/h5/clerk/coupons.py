"""Taking a coupon (核销): what it is, what the clerk types in for it, and the use itself."""

import re

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.clerks import queries, service
from loyalty.clerks.rules import Typed, Visit, VisitOver, asked_for
from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.coupons.rules.sentences import headline
from loyalty.kernel.errors import InvalidInput, LoyaltyError
from loyalty.kernel.transaction import run
from portal.context import container
from portal.errors import status_of
from portal.h5.blueprint import blueprint
from portal.h5.clerk.desk import actor, desk, for_clerks, form_key
from portal.h5.clerk.visits import read_visit, token_of
from portal.h5.form_keys import new_key

_YUAN = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,2}))?")


class AmountInvalid(InvalidInput):
    """An amount is no number of yuan."""

    code = "clerk_amount_invalid"
    message = "金额须为数字，最多两位小数，例如 128.50"


@blueprint.get("/clerk/visits/<visit>/coupons/<int:coupon_id>")
@for_clerks
def clerk_coupon(visit: str, coupon_id: int) -> str:
    """Show what a coupon is, and the form that takes it."""
    return _form(read_visit(visit), coupon_id)


@blueprint.post("/clerk/visits/<visit>/coupons/<int:coupon_id>")
@for_clerks
def clerk_redeem(visit: str, coupon_id: int) -> Response:
    """Take the coupon; the same form again shows the same result."""
    at, zone, known = container().clock.now(), container().zone, read_visit(visit)
    try:
        key, typed = form_key(), Typed(_fen("piece"), _fen("goods"))
        done = run(
            container().database,
            lambda session: service.take_coupon(
                session,
                clerk=desk().clerk,
                visit=known,
                coupon_id=coupon_id,
                typed=typed,
                key=key,
                actor=actor(),
                at=at,
                zone=zone,
            ),
        )
    except VisitOver:
        raise
    except LoyaltyError as error:
        return make_response(_form(known, coupon_id, error), status_of(error))
    return redirect(url_for("h5.clerk_redemption", redemption_id=done.id), 303)


def _form(visit: Visit, coupon_id: int, error: LoyaltyError | None = None) -> str:
    at, zone = container().clock.now(), container().zone
    shown = run(
        container().database,
        lambda session: queries.present(session, visit=visit, coupon_id=coupon_id, at=at, zone=zone),
    )
    return render_template(
        "h5/clerk/coupon.html",
        desk=desk(),
        shown=shown,
        asked=asked_for(shown.coupon.terms),
        visit=token_of(visit),
        is_of_member=visit.coupon_id is None,
        key=new_key(),
        headline=headline,
        error=None if error is None else _told(error),
    )


def _told(error: LoyaltyError) -> str:
    if isinstance(error, CouponNotUsable):
        reasons = error.details.get("coupons")
        assert isinstance(reasons, list)
        return "；".join(str(reason["message"]) for reason in reasons)
    return error.message


def _fen(name: str) -> int | None:
    text = request.form.get(name, "").strip().removeprefix("¥").replace(",", "")
    if not text:
        return None
    found = _YUAN.fullmatch(text)
    if found is None:
        raise AmountInvalid
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
