"""What a clerk took (核销记录): the result, undoing it within half an hour, and the list of today."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.clerks import queries, service
from loyalty.clerks.rules import is_reversible
from loyalty.coupons.rules.sentences import headline
from loyalty.kernel.transaction import run
from loyalty.kernel.wording import yuan
from portal.context import container
from portal.h5.blueprint import blueprint
from portal.h5.clerk.desk import actor, desk, for_clerks


@blueprint.get("/clerk/redemptions/<int:redemption_id>")
@for_clerks
def clerk_redemption(redemption_id: int) -> str:
    """Show what the coupons of a use took off, and what is left to pay."""
    at, clerk = container().clock.now(), desk().clerk
    use = run(
        container().database,
        lambda session: queries.own_use(session, clerk=clerk, redemption_id=redemption_id),
    )
    return render_template(
        "h5/clerk/redemption.html",
        use=use,
        redemption_id=redemption_id,
        can_undo=bool(use.standing) and is_reversible(redeemed_at=use.redeemed_at, at=at),
        headline=headline,
        yuan=yuan,
    )


@blueprint.post("/clerk/redemptions/<int:redemption_id>/undo")
@for_clerks
def clerk_undo(redemption_id: int) -> Response:
    """Undo a use of the clerk's own."""
    at, zone, clerk = container().clock.now(), container().zone, desk().clerk
    run(
        container().database,
        lambda session: service.undo(
            session, clerk=clerk, redemption_id=redemption_id, actor=actor(), at=at, zone=zone
        ),
    )
    flash("已撤销，券已退回会员的券包", "info")
    return redirect(url_for("h5.clerk_redemption", redemption_id=redemption_id), 303)


@blueprint.get("/clerk/today")
@for_clerks
def clerk_today() -> str:
    """Show what the clerk took today at this store."""
    at, zone, here, cursor = container().clock.now(), container().zone, desk(), request.args.get("cursor")
    day = run(
        container().database,
        lambda session: queries.day_of(
            session, clerk=here.clerk, store_id=here.store_id, at=at, zone=zone, cursor=cursor
        ),
    )
    return render_template("h5/clerk/today.html", desk=here, day=day, yuan=yuan)
