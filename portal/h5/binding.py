"""Binding a phone (绑定手机号) by SMS code, and the second proof where the phone was somebody's."""

import secrets
from typing import cast

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.members import queries, service
from loyalty.members.rules.binding import BindingKind
from loyalty.members.rules.consents import ConsentGiven, purpose_of
from loyalty.members.rules.identities import Door
from loyalty.members.rules.outcomes import MESSAGES
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.members.service import BindingOutcome
from loyalty.members.service.send_code import send_sms_code
from loyalty.points import service as points
from loyalty.points.rules.expiry import sentence
from portal.context import client_ip, container
from portal.errors import form_again
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.paths import inside

DEVICE_COOKIE = "h5_device"


@blueprint.get("/binding")
@session.visitors_too
def binding() -> Response:
    """Show the form; who is a member already goes on."""
    if session.caller().member_id is not None:
        return cast(Response, redirect(inside(request.args.get("next"))))
    return _form()


@blueprint.post("/binding/codes")
@session.visitors_too
def send_code() -> Response:
    """Send a code; the answer never tells whether the phone is known."""
    device = request.cookies.get(DEVICE_COOKIE) or secrets.token_hex(12)
    try:
        send_sms_code(
            container().database,
            vault=container().vault,
            sms=container().sms,
            identity_id=session.caller().identity_id,
            phone=request.form.get("phone", ""),
            purpose=CodePurpose.BIND,
            device=device,
            ip=client_ip(),
            at=container().clock.now(),
        )
    except LoyaltyError as error:
        return _form(error)
    flash("验证码已发送，5分钟内有效", "info")
    response = _form()
    session.set_cookie(response, DEVICE_COOKIE, device, days=365)
    return response


@blueprint.post("/binding")
@session.visitors_too
def bind() -> Response:
    """Bind the phone that the code proves."""
    try:
        outcome = service.bind_by_sms_code(
            container().database,
            vault=container().vault,
            identity_id=session.caller().identity_id,
            phone=request.form.get("phone", ""),
            code=request.form.get("sms_code", ""),
            consents=_consents(),
            door=Door.H5,
            at=container().clock.now(),
        )
    except LoyaltyError as error:
        return _form(error)
    return after(outcome)


@blueprint.get("/texts/<purpose>/<version>")
@session.public
def privacy_text(purpose: str, version: str) -> Response:
    """Show one version of a text to agree to."""
    known = purpose_of(purpose)
    text = run(
        container().database,
        lambda database_session: queries.find_text(database_session, purpose=known, version=version),
    )
    if text is None:
        return cast(Response, redirect(url_for("h5.binding")))
    return make_response(render_template("h5/text.html", text=text))


def after(outcome: BindingOutcome) -> Response:
    """Go where the outcome leads: home, to the second proof, or to the word on a merge."""
    flash(MESSAGES[outcome.kind], "info")
    if outcome.kind is BindingKind.NEEDS_SECOND_PROOF:
        return cast(Response, redirect(url_for("h5.second_proof"), 303))
    if outcome.kind is BindingKind.MERGE_OFFERED:
        return cast(Response, redirect(url_for("h5.merge"), 303))
    return cast(Response, redirect(inside(request.form.get("next")), 303))


def _form(error: LoyaltyError | None = None) -> Response:
    page = render_template(
        "h5/binding.html",
        texts=run(container().database, queries.current_texts),
        points_expiry=sentence(run(container().database, points.programme_policy)),
        phone=request.form.get("phone", ""),
        next=request.values.get("next", ""),
        error=error.message if error else None,
    )
    return form_again(page, error)


def _consents() -> list[ConsentGiven]:
    given = (value.partition(":") for value in request.form.getlist("consent"))
    return [ConsentGiven(purpose_of(purpose), version) for purpose, _, version in given]
