"""Binding a phone (绑定手机号) by SMS code, and the second proof where the phone was somebody's."""

from typing import TYPE_CHECKING, cast

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
from loyalty.referrals.queries.invitations import find_offer
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service.arriving import note_arrival
from portal.context import client_ip, container
from portal.errors import form_again
from portal.h5 import devices, session
from portal.h5.blueprint import blueprint
from portal.h5.paths import inside

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


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
    device = devices.known() or devices.fresh()
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
    devices.remember(response, device)
    return response


@blueprint.post("/binding")
@session.visitors_too
def bind() -> Response:
    """Bind the phone that the code proves."""
    _note_arrival()
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


def _note_arrival() -> None:
    if session.caller().member_id is not None:
        return
    note_arrival(
        container().database,
        vault=container().vault,
        identity_id=session.caller().identity_id,
        device=devices.known(),
        ip=client_ip(),
        referral_code=request.form.get("referral_code", ""),
        at=container().clock.now(),
    )


def _form(error: LoyaltyError | None = None) -> Response:
    page = render_template(
        "h5/binding.html",
        texts=run(container().database, queries.current_texts),
        points_expiry=sentence(run(container().database, points.programme_policy)),
        phone=request.form.get("phone", ""),
        next=request.values.get("next", ""),
        takes_code=run(container().database, _takes_code),
        referral_code=request.form.get("referral_code", ""),
        error=error.message if error else None,
    )
    return form_again(page, error)


def _takes_code(database_session: "Session") -> bool:
    offer = find_offer(database_session)
    return offer is not None and Channel.CODE in offer.channels


def _consents() -> list[ConsentGiven]:
    given = (value.partition(":") for value in request.form.getlist("consent"))
    return [ConsentGiven(purpose_of(purpose), version) for purpose, _, version in given]
