"""Reading a code (扫码): by WeChat's scanner, or typed; of a member or of a coupon."""

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from loyalty.clerks import queries, service
from loyalty.coupons.rules.sentences import headline
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from portal.context import container
from portal.errors import form_again
from portal.h5.blueprint import blueprint
from portal.h5.clerk.desk import desk, for_clerks, form_key
from portal.h5.clerk.visits import address_of, read_visit, token_of
from portal.h5.form_keys import new_key


@blueprint.get("/clerk")
@for_clerks
def clerk() -> str:
    """Show where to scan."""
    return _form()


@blueprint.post("/clerk")
@for_clerks
def clerk_scan() -> Response:
    """Find out whom or what a code names, and go there."""
    at, here = container().clock.now(), desk()
    try:
        visit = service.read_code(
            container().database,
            clerk=here.clerk,
            store_id=here.store_id,
            code=request.form.get("code", ""),
            key=form_key(),
            code_key=container().settings.member_code_key,
            at=at,
        )
    except LoyaltyError as error:
        return form_again(_form(error), error)
    return redirect(address_of(visit), 303)


@blueprint.get("/clerk/visits/<visit>")
@for_clerks
def clerk_visit(visit: str) -> str | Response:
    """Show the member, masked, and which coupons they could use."""
    at, zone, known = container().clock.now(), container().zone, read_visit(visit)
    if known.coupon_id is not None:
        return redirect(address_of(known), 303)
    guest = run(
        container().database,
        lambda session: queries.guest_of(session, visit=known, vault=container().vault, at=at, zone=zone),
    )
    return render_template("h5/clerk/visit.html", desk=desk(), guest=guest, visit=token_of(known), headline=headline)


def _form(error: LoyaltyError | None = None) -> str:
    return render_template("h5/clerk/scan.html", desk=desk(), key=new_key(), error=error.message if error else None)
