"""Taking a coupon (核销): what it is, what the clerk types in for it, and the use itself."""

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.clerks import queries, service
from loyalty.clerks.rules import Typed, Visit, VisitOver, asked_for
from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.coupons.rules.sentences import headline
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from portal.context import container
from portal.errors import form_again
from portal.h5.blueprint import blueprint
from portal.h5.clerk.amounts import typed_fen
from portal.h5.clerk.desk import actor, desk, for_clerks, form_key
from portal.h5.clerk.visits import read_visit, token_of
from portal.h5.form_keys import new_key


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
        key, typed = form_key(), Typed(typed_fen("piece"), typed_fen("goods"))
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
        return form_again(_form(known, coupon_id, error), error)
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
    return "；".join(error.sentences.values()) if isinstance(error, CouponNotUsable) else error.message
