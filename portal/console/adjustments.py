"""Adjusting one member's points (调整积分) within what one person may move alone."""

from typing import TYPE_CHECKING
from uuid import uuid4

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.adjustments import service
from loyalty.adjustments.rules.single import SINGLE_POINTS_MAX, Reason
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.points import queries as points
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.adjustment_names import REASON_NAMES
from portal.console.blueprint import blueprint
from portal.console.forms import InvalidField
from portal.console.members import visible_member
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

KEY_LENGTH = 32
DIRECTIONS = {"give": 1, "take": -1}
FIELDS = ("direction", "points", "reason", "expires_on", "key")


@blueprint.get("/members/<int:member_id>/adjust")
@requires(Permission.ADJUSTMENTS_WRITE)
def adjustment_form(member_id: int) -> str:
    """Show the form; its key makes a second tap harmless."""
    return _form(member_id, {"direction": "give", "key": uuid4().hex})


@blueprint.post("/members/<int:member_id>/adjust")
@requires(Permission.ADJUSTMENTS_WRITE)
def adjust_member(member_id: int) -> Response | tuple[str, int]:
    """Give or take the points."""
    try:
        run(container().database, lambda session: _adjust(session, member_id))
    except LoyaltyError as error:
        flash(error.message, "danger")
        return _form(member_id, {name: forms.text(name) for name in FIELDS}), status_of(error)
    flash("已调整积分", "success")
    return redirect(url_for("console.member_page", member_id=member_id), 303)


def _adjust(session: "Session", member_id: int) -> None:
    visible_member(session, member_id=member_id)
    direction, key = forms.text("direction"), forms.text("key")
    if direction not in DIRECTIONS or not (len(key) == KEY_LENGTH and key.isalnum() and key.isascii()):
        raise InvalidField
    service.adjust_one(
        session,
        member_id=member_id,
        change=DIRECTIONS[direction] * forms.integer("points"),
        reason=forms.parsed_choice("reason", forms.text("reason"), Reason),
        key=key,
        expires_on=forms.optional_day("expires_on"),
        zone=container().zone,
        actor=actor(),
        at=container().clock.now(),
    )


def _form(member_id: int, form: dict[str, str]) -> str:
    at = container().clock.now()

    def read(session: "Session") -> dict[str, object]:
        member = visible_member(session, member_id=member_id)
        return {"member": member, "summary": points.summary(session, member_id=member_id, at=at)}

    return render_template(
        "console/adjustment_form.html",
        form=form,
        reason_names=REASON_NAMES,
        points_max=SINGLE_POINTS_MAX,
        **run(container().database, read),
    )
