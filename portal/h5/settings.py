"""Me (我的): profile and phone."""

from datetime import date
from typing import cast

from flask import Response, flash, redirect, render_template, request, url_for

from loyalty.kernel.database import Session
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.members import queries, service
from loyalty.members.rules.identities import Door
from loyalty.members.rules.profile import BirthdayInvalid
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.members.service.send_code import send_sms_code
from portal.context import client_ip, container
from portal.errors import form_again
from portal.h5 import session
from portal.h5.binding import after
from portal.h5.blueprint import blueprint


@blueprint.get("/settings")
def settings() -> Response:
    """Show what the member told of themselves."""
    return _page("h5/settings.html")


@blueprint.post("/settings")
def save_profile() -> Response:
    """Save nickname and birthday; both are optional."""
    member_id, vault, at = session.member_id(), container().vault, container().clock.now()

    def save(database_session: Session) -> None:
        nickname = request.form.get("nickname", "").strip() or None
        service.set_nickname(database_session, vault=vault, member_id=member_id, nickname=nickname, at=at)
        birthday = _birthday(request.form.get("birthday", ""))
        if birthday is not None:
            service.set_birthday(
                database_session, vault=vault, member_id=member_id, birthday=birthday, zone=container().zone, at=at
            )

    try:
        run(container().database, save)
    except LoyaltyError as error:
        return _page("h5/settings.html", error)
    flash("已保存", "info")
    return cast(Response, redirect(url_for("h5.settings"), 303))


@blueprint.get("/phone")
def phone() -> Response:
    """Show the form for another phone."""
    return _page("h5/phone.html")


@blueprint.post("/phone/codes")
def send_change_code() -> Response:
    """Send a code to the new phone."""
    try:
        send_sms_code(
            container().database,
            vault=container().vault,
            sms=container().sms,
            identity_id=session.caller().identity_id,
            phone=request.form.get("phone", ""),
            purpose=CodePurpose.CHANGE_PHONE,
            device=None,
            ip=client_ip(),
            at=container().clock.now(),
        )
    except LoyaltyError as error:
        return _page("h5/phone.html", error)
    flash("验证码已发送，5分钟内有效", "info")
    return _page("h5/phone.html")


@blueprint.post("/phone")
def change_phone() -> Response:
    """Replace the phone by the one that the code proves."""
    try:
        outcome = service.change_phone_by_sms_code(
            container().database,
            vault=container().vault,
            identity_id=session.caller().identity_id,
            phone=request.form.get("phone", ""),
            code=request.form.get("sms_code", ""),
            door=Door.H5,
            at=container().clock.now(),
        )
    except LoyaltyError as error:
        return _page("h5/phone.html", error)
    return after(outcome)


def _page(template: str, error: LoyaltyError | None = None) -> Response:
    member_id = session.member_id()
    view = run(
        container().database,
        lambda database_session: queries.get_member(database_session, vault=container().vault, member_id=member_id),
    )
    page = render_template(
        template, view=view, phone=request.form.get("phone", ""), error=error.message if error else None
    )
    return form_again(page, error)


def _birthday(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BirthdayInvalid from error
