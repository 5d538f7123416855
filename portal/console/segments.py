"""Segments (分群): all of them in words, and one with whom it finds now, its versions, snapshots and tags.

A segment holds for the whole chain, so only those who see all of it change one and see the figures of its snapshots
and tags; of whom it finds, everybody counts and sees the own members.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.transaction import run
from loyalty.segments import queries, service
from loyalty.segments.queries import SegmentView
from loyalty.segments.rules.sentences import Names, sentence
from loyalty.staff.rules import Permission
from loyalty.tags import queries as tags
from portal.console import exports, forms, steps
from portal.console.access import current_scope, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.condition_builder import names_for
from portal.console.filters import local_time
from portal.console.segment_audience import audience_of
from portal.console.segment_work import work_of
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

STATE_NAMES = {"archived": "已停用"}
HEADER = ("编号", "名称", "条件", "版本", "自动标签", "保存人", "保存时间", "状态")


@blueprint.get("/segments")
@requires(Permission.SEGMENTS_READ)
def segment_list() -> str:
    """List the segments that the filter leaves, each in one sentence."""
    return render_template(
        "console/segment_list.html",
        filters={"text": forms.text("text"), "state": _state()},
        state_names=STATE_NAMES,
        is_whole=current_scope().is_chain_wide,
        **_found(),
    )


@blueprint.get("/segments.csv")
@requires(Permission.SEGMENTS_READ)
def export_segments() -> Response:
    """Download what the filter shows."""
    found = _found()
    people: Mapping[str, str] = found["people"]
    rows = [
        (
            one.id,
            one.title,
            found["says"](one),
            one.number,
            "、".join(found["kept"].get(one.id, ())),
            people.get(one.made_by, one.made_by),
            local_time(one.made_at),
            "已停用" if one.is_archived else "使用中",
        )
        for one in found["segments"]
    ]
    return exports.csv_response("segments", HEADER, rows)


@blueprint.get("/segments/<int:segment_id>")
@requires(Permission.SEGMENTS_READ)
def segment_page(segment_id: int) -> str:
    """Show one segment; ``counted`` counts at once, for who has no JavaScript."""
    is_counted = bool(forms.text("counted"))

    def read(session: "Session") -> dict[str, Any]:
        segment = queries.get_segment(session, segment_id=segment_id)
        revisions = queries.list_revisions(session, segment_id=segment_id)
        known = {"revisions": revisions, "says": _says(names_for(session, [one.condition for one in revisions]))}
        if is_counted:
            known["audience"] = audience_of(session, segment.condition, has_reach=True)
        if not current_scope().is_chain_wide:
            return known | {"segment": segment, "people": names_of(session, [one.made_by for one in revisions])}
        return known | work_of(session, segment, others=[one.made_by for one in revisions])

    known = run(container().database, read)
    return render_template("console/segment_page.html", is_whole=current_scope().is_chain_wide, **known)


@blueprint.get("/segments/<int:segment_id>/audience")
@requires(Permission.SEGMENTS_READ)
def segment_audience(segment_id: int) -> str:
    """Count whom a segment finds now, by reach, and show some of them."""

    def read(session: "Session") -> dict[str, Any]:
        segment = queries.get_segment(session, segment_id=segment_id)
        return {"segment": segment, "audience": audience_of(session, segment.condition, has_reach=True)}

    return render_template("console/_segment_audience.html", **run(container().database, read))


@blueprint.post("/segments/<int:segment_id>/archive")
@requires(Permission.SEGMENTS_WRITE)
def archive_segment(segment_id: int) -> Response:
    """Take a segment out of use."""
    for_the_chain()
    step = partial(service.archive_segment, segment_id=segment_id)
    return steps.take(step, done="已停用", back=url_for("console.segment_page", segment_id=segment_id))


def _found() -> dict[str, Any]:
    text, is_archived = forms.text("text"), _state() == "archived"

    def read(session: "Session") -> dict[str, Any]:
        segments = queries.list_segments(session, text=text, is_archived=is_archived)
        return {
            "segments": segments,
            "says": _says(names_for(session, [one.condition for one in segments])),
            "kept": _kept_tags(session),
            "people": names_of(session, [one.made_by for one in segments]),
        }

    return run(container().database, read)


def _kept_tags(session: "Session") -> Mapping[int, Sequence[str]]:
    """Return the names of the tags that follow each segment."""
    kept = queries.list_automatic_tags(session)
    names = tags.names(session, [one.tag_id for one in kept])
    found: dict[int, list[str]] = defaultdict(list)
    for one in kept:
        found[one.segment_id].append(names[one.tag_id])
    return found


def _says(names: Names) -> Any:
    def says(segment: SegmentView) -> str:
        return sentence(segment.condition, names)

    return says


def _state() -> str:
    state = forms.text("state")
    if state and state not in STATE_NAMES:
        raise forms.InvalidField(field="state")
    return state
