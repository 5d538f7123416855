"""Putting a tag on many members of a list, and taking it away (批量打标签): all of them or none."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.tags import queries, service
from loyalty.tags.rules.lines import LINES_MAX, LineProblem, TagLinesRefused
from loyalty.tags.service import Changed
from portal.console import forms
from portal.console.access import actor, current_scope, requires, seen_stores
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

PUT, TAKE = "put", "take"


@blueprint.get("/tags/<int:tag_id>/members")
@requires(Permission.MEMBERS_TAG)
def tag_list_form(tag_id: int) -> str:
    """Show the form for a list of members."""
    return _form(tag_id)


@blueprint.post("/tags/<int:tag_id>/members")
@requires(Permission.MEMBERS_TAG)
def tag_many(tag_id: int) -> Response | tuple[str, int]:
    """Do what the list asks for, or say of every wrong line what is wrong with it."""
    act = forms.text("act")
    if act not in (PUT, TAKE):
        raise forms.InvalidField(field="act")
    try:
        changed = run(container().database, _work(tag_id, act))
    except LoyaltyError as error:
        problems = error.problems if isinstance(error, TagLinesRefused) else ()
        flash(error.message, "danger")
        return _form(tag_id, act=act, members=_typed(), problems=problems), status_of(error)
    flash(_told(act, changed), "success")
    return redirect(url_for("console.tag_page", tag_id=tag_id), 303)


def _work(tag_id: int, act: str) -> "Callable[[Session], Changed]":
    use_case = service.tag_many if act == PUT else service.untag_many
    at, vault, scope, text = container().clock.now(), container().vault, current_scope(), _typed()
    return lambda session: use_case(session, vault, tag_id=tag_id, text=text, scope=scope, actor=actor(), at=at)


def _told(act: str, changed: Changed) -> str:
    if act == PUT:
        return f"已给 {changed.changed:,} 位会员打上标签，另有 {changed.unchanged:,} 位原来就有"
    return f"已取下 {changed.changed:,} 位会员的标签，另有 {changed.unchanged:,} 位原来就没有"


def _typed() -> str:
    return request.form.get("members", "")


def _form(tag_id: int, *, act: str = PUT, members: str = "", problems: Sequence[LineProblem] = ()) -> str:
    store_ids = seen_stores()
    tag = run(container().database, lambda session: queries.get_tag(session, tag_id=tag_id, store_ids=store_ids))
    return render_template(
        "console/tag_many.html", tag=tag, act=act, members=members, problems=problems, lines_max=LINES_MAX
    )
