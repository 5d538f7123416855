"""Binding (绑定店员微信): a link from the back office, opened in the clerk's WeChat and confirmed there."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff.bindings import find_bound, find_by_link
from loyalty.staff.service.bindings import StaffBindingLinkInvalid, bind
from portal.context import client_ip, container, request_id
from portal.errors import form_again
from portal.h5 import session
from portal.h5.blueprint import blueprint


@blueprint.get("/clerk/binding/<token>")
@session.visitors_too
def clerk_binding(token: str) -> str | Response:
    """Ask whether this WeChat is to act for the account that the link names; opening it binds nothing."""
    at = container().clock.now()
    name = run(container().database, lambda database_session: find_by_link(database_session, token=token, at=at))
    if name is None:
        return _refused(StaffBindingLinkInvalid())
    return render_template("h5/clerk/binding.html", name=name)


@blueprint.post("/clerk/binding/<token>")
@session.visitors_too
def bind_clerk(token: str) -> str | Response:
    """Bind; the second tap of two finds it done."""
    at, caller = container().clock.now(), session.caller()
    try:
        run(
            container().database,
            lambda database_session: bind(
                database_session,
                token=token,
                appid=caller.appid,
                openid=caller.openid,
                at=at,
                ip=client_ip(),
                request_id=request_id(),
            ),
        )
    except LoyaltyError as error:
        return _refused(error)
    flash("绑定成功，可以开始核销", "info")
    return redirect(url_for("h5.clerk"), 303)


def _refused(error: LoyaltyError) -> Response:
    caller = session.caller()
    bound = run(
        container().database,
        lambda database_session: find_bound(database_session, appid=caller.appid, openid=caller.openid),
    )
    if bound is not None and isinstance(error, StaffBindingLinkInvalid):
        return redirect(url_for("h5.clerk"), 303)
    return form_again(render_template("h5/clerk/unusable.html", message=error.message), error)
