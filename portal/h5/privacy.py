"""Privacy (隐私): consents, notices, everything held on a person, and closing the account."""

import json
from typing import cast

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.members import service
from loyalty.members.rules.consents import purpose_of
from loyalty.members.rules.identities import Door
from loyalty.notices.rules import KINDS
from loyalty.points import queries as points
from loyalty.privacy.queries import find_closing
from loyalty.privacy.rules import WAITING_PERIOD
from loyalty.privacy.service import ask_to_close as ask
from loyalty.privacy.service import export_data
from loyalty.privacy.service import take_back_closing as take_back
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint


@blueprint.get("/privacy")
def privacy() -> str:
    """Show what the member agreed to and which notices they take."""
    member_id = session.member_id()
    texts, log, unwanted = run(
        container().database,
        lambda database_session: (
            members.current_texts(database_session),
            members.consents_of(database_session, member_id=member_id),
            members.unwanted_kinds(database_session, member_id=member_id),
        ),
    )
    return render_template(
        "h5/privacy.html",
        texts=texts,
        titles={text.purpose.value: text.title for text in texts},
        log=log,
        given={consent.purpose for consent in log if consent.withdrawn_at is None},
        kinds=[
            {"name": kind.value, "title": definition.title, "is_wanted": kind.value not in unwanted}
            for kind, definition in KINDS.items()
        ],
    )


@blueprint.post("/privacy/consents/<purpose>")
def change_consent(purpose: str) -> Response:
    """Give or withdraw consent to an optional purpose."""
    member_id, at, known = session.member_id(), container().clock.now(), purpose_of(purpose)

    def change(database_session: Session) -> None:
        if request.form.get("answer") == "give":
            version = request.form.get("version", "")
            service.give_consent(
                database_session, member_id=member_id, purpose=known, version=version, door=Door.H5, at=at
            )
        else:
            service.withdraw_consent(database_session, member_id=member_id, purpose=known, door=Door.H5, at=at)

    run(container().database, change)
    flash("已保存", "info")
    return cast(Response, redirect(url_for("h5.privacy"), 303))


@blueprint.post("/privacy/notices")
def save_notices() -> Response:
    """Take or leave kinds of notices (退订)."""
    member_id, at, wanted = session.member_id(), container().clock.now(), set(request.form.getlist("wanted"))

    def save(database_session: Session) -> None:
        for kind in KINDS:
            service.set_notice_wanted(
                database_session, member_id=member_id, kind=kind.value, is_wanted=kind.value in wanted, at=at
            )

    run(container().database, save)
    flash("已保存", "info")
    return cast(Response, redirect(url_for("h5.privacy"), 303))


@blueprint.get("/export")
def export() -> Response:
    """Download everything held on the member."""
    member_id, at = session.member_id(), container().clock.now()
    data = run(
        container().database,
        lambda database_session: export_data(database_session, vault=container().vault, member_id=member_id, at=at),
    )
    response = make_response(json.dumps(data, ensure_ascii=False, indent=2, default=str))
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = 'attachment; filename="member-data.json"'
    return response


@blueprint.get("/closing")
def closing() -> str:
    """Show what closing means, or until when it can be taken back."""
    member_id, at = session.member_id(), container().clock.now()
    waiting, summary = run(
        container().database,
        lambda database_session: (
            find_closing(database_session, member_id=member_id),
            points.summary(database_session, member_id=member_id, at=at),
        ),
    )
    return render_template(
        "h5/closing.html",
        closes_at=waiting.due_at if waiting else None,
        waiting_days=WAITING_PERIOD.days,
        available=summary.available,
    )


@blueprint.post("/closing")
def ask_to_close() -> Response:
    """Begin the waiting period, after the member ticked that they understood."""
    member_id, at = session.member_id(), container().clock.now()
    if request.form.get("agree") != "yes":
        flash("请先勾选确认", "error")
        return cast(Response, redirect(url_for("h5.closing"), 303))
    run(container().database, lambda database_session: ask(database_session, member_id=member_id, at=at))
    flash("已收到注销申请", "info")
    return cast(Response, redirect(url_for("h5.closing"), 303))


@blueprint.post("/closing/take-back")
def take_back_closing() -> Response:
    """Keep the account after all."""
    member_id, at = session.member_id(), container().clock.now()
    run(container().database, lambda database_session: take_back(database_session, member_id=member_id, at=at))
    flash("已撤回注销申请", "info")
    return cast(Response, redirect(url_for("h5.card"), 303))
