"""The editor of segments: conditions put together row by row, read as a sentence and counted beside it, and saved."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from loyalty.kernel.documents import Problem
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.segments import queries, service
from loyalty.segments.queries import SegmentView
from loyalty.segments.rules.conditions import EVERYBODY, parse
from loyalty.segments.rules.errors import InvalidSegment
from loyalty.segments.service.saving import TITLE_LENGTH_MAX
from loyalty.staff.rules import Permission
from portal.console import form_fields, forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.condition_builder import build
from portal.console.condition_edits import edited
from portal.console.condition_form import condition_from_form, form_from_condition, problems_of
from portal.console.form_fields import Form
from portal.console.segment_audience import Audience, audience_of_form
from portal.context import container
from portal.errors import status_of

COUNT = "count"
"""What the button asks for that counts without JavaScript."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is edited: a new segment, or one that exists, and the revision that the editor began with."""

    segment_id: int | None = None
    number: int | None = None


@blueprint.get("/segments/new")
@requires(Permission.SEGMENTS_WRITE)
def new_segment() -> str:
    """Show the form for a new segment."""
    for_the_chain()
    return _editor(Subject(), form_from_condition(EVERYBODY))


@blueprint.post("/segments")
@requires(Permission.SEGMENTS_WRITE)
def create_segment() -> ResponseReturnValue:
    """Save a new segment, or change its form without JavaScript."""
    for_the_chain()
    return _sent(Subject())


@blueprint.get("/segments/<int:segment_id>/edit")
@requires(Permission.SEGMENTS_WRITE)
def edit_segment(segment_id: int) -> str:
    """Show the form for the next revision."""
    for_the_chain()
    segment = _segment(segment_id)
    form = form_from_condition(segment.condition) | {"title": [segment.title]}
    return _editor(Subject(segment_id, segment.number), form)


@blueprint.post("/segments/<int:segment_id>")
@requires(Permission.SEGMENTS_WRITE)
def save_segment(segment_id: int) -> ResponseReturnValue:
    """Save another title and condition, or change the form without JavaScript."""
    for_the_chain()
    return _sent(Subject(segment_id, forms.optional_integer("number")))


def _sent(subject: Subject) -> ResponseReturnValue:
    form, edit = form_fields.given(), forms.text("edit")
    if edit == COUNT:
        problems = problems_of(form)
        return _editor(subject, form, problems=problems, audience=None if problems else audience_of_form(form))
    if edit:
        change = edited(form, edit)
        return _editor(subject, change.form, focus=change.focus)
    return _saved(subject, form)


def _saved(subject: Subject, form: Form) -> ResponseReturnValue:
    at, title = container().clock.now(), forms.text("title")
    try:
        condition = parse(condition_from_form(form))
        segment_id = run(
            container().database,
            lambda session: service.save_segment(
                session,
                title=title,
                condition=condition,
                segment_id=subject.segment_id,
                number=subject.number,
                actor=actor(),
                at=at,
            ),
        )
    except LoyaltyError as error:
        problems = problems_of(form) if isinstance(error, InvalidSegment) else ()
        flash("还有条件没有填好，请看标红的地方" if problems else error.message, "danger")
        return _editor(subject, form, problems=problems), status_of(error)
    flash("已保存", "success")
    return redirect(url_for("console.segment_page", segment_id=segment_id), 303)


def _editor(
    subject: Subject,
    form: Form,
    *,
    problems: Sequence[Problem] = (),
    audience: Audience | None = None,
    focus: str = "",
) -> str:
    builder = run(container().database, lambda session: build(session, form, problems=problems, focus=focus))
    return render_template(
        "console/segment_form.html",
        subject=subject,
        action=_action(subject),
        title=builder.value("title"),
        title_length_max=TITLE_LENGTH_MAX,
        builder=builder,
        problems=builder.problems,
        audience=audience,
    )


def _action(subject: Subject) -> str:
    if subject.segment_id is None:
        return url_for("console.create_segment")
    return url_for("console.save_segment", segment_id=subject.segment_id)


def _segment(segment_id: int) -> SegmentView:
    return run(container().database, lambda session: queries.get_segment(session, segment_id=segment_id))
