"""What goes on by a segment (快照与自动标签): snapshots with their progress and files, and tags that follow it."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.bulk import BulkState
from loyalty.kernel.transaction import run
from loyalty.members.queries import MemberView
from loyalty.segments import queries, service
from loyalty.segments.queries import SegmentView
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from loyalty.tags import queries as tags
from portal.console import exports, forms, paging, steps
from portal.console.access import actor, current_scope, for_the_chain, may, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.filters import local_time
from portal.console.member_names import STATUS_NAMES
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

MEMBERS_HEADER = ("会员号", "状态", "手机号", "入会门店", "入会时间")


def work_of(session: "Session", segment: SegmentView, *, others: Iterable[str] = ()) -> dict[str, Any]:
    """Return what the page of a segment shows of it to those who see the whole chain; ``others`` are named too."""
    cursor = paging.cursor()
    snapshots = queries.list_snapshots(session, segment_id=segment.id, cursor=cursor)
    kept = queries.list_automatic_tags(session)
    here = [one for one in kept if one.segment_id == segment.id]
    followed = {one.tag_id for one in kept}
    runs = [*(one.progress for one in snapshots.items), *(one.progress for one in here)]
    mentioned = [*others, *(one.taken_by for one in snapshots.items), *(one.started_by for one in here)]
    return {
        "segment": segment,
        "snapshots": snapshots,
        "kept": here,
        "tag_names": tags.names(session, [one.tag_id for one in here]),
        "free_tags": {key: name for key, name in tags.list_choices(session).items() if key not in followed},
        "people": names_of(session, mentioned),
        "may_change": may(Permission.SEGMENTS_WRITE) and not segment.is_archived,
        "is_moving": any(one is not None and one.state is BulkState.RUNNING for one in runs),
        "work_address": url_for("console.segment_work", segment_id=segment.id, cursor=cursor),
        "is_first": cursor is None,
        "address": partial(url_for, "console.segment_page", segment_id=segment.id),
        "BulkState": BulkState,
    }


@blueprint.get("/segments/<int:segment_id>/work")
@requires(Permission.SEGMENTS_READ)
def segment_work(segment_id: int) -> str:
    """Show the part of the page that moves while work is under way."""
    for_the_chain()

    def read(session: "Session") -> dict[str, Any]:
        return work_of(session, queries.get_segment(session, segment_id=segment_id))

    return render_template("console/_segment_work.html", **run(container().database, read))


@blueprint.post("/segments/<int:segment_id>/snapshots")
@requires(Permission.SEGMENTS_WRITE)
def take_segment_snapshot(segment_id: int) -> Response:
    """Begin to write down who is in a segment now."""
    for_the_chain()
    step = partial(service.take_snapshot, segment_id=segment_id)
    return steps.take(step, done="开始生成快照", back=_page_of(segment_id))


@blueprint.post("/segment-snapshots/<int:snapshot_id>/resume")
@requires(Permission.SEGMENTS_WRITE)
def resume_segment_snapshot(snapshot_id: int) -> Response:
    """Let a snapshot that an error stopped go on where it stopped."""
    for_the_chain()
    snapshot = run(container().database, partial(queries.get_snapshot, snapshot_id=snapshot_id))
    step = partial(service.resume_snapshot, snapshot_id=snapshot_id)
    return steps.take(step, done="继续执行", back=_page_of(snapshot.segment_id))


@blueprint.post("/segment-snapshots/<int:snapshot_id>/export")
@requires(Permission.SEGMENTS_EXPORT)
def export_segment_snapshot(snapshot_id: int) -> Response:
    """Download who is in a snapshot, masked, however many they are; who took how many is audited."""
    for_the_chain()
    at, scope, vault = container().clock.now(), current_scope(), container().vault
    run(
        container().database,
        lambda session: service.begin_export(session, snapshot_id=snapshot_id, actor=actor(), at=at),
    )

    def page(session: "Session", after_id: int) -> list[tuple[int, exports.Row]]:
        members = queries.list_snapshot_members(
            session, vault=vault, snapshot_id=snapshot_id, scope=scope, after_id=after_id
        )
        return _rows(session, members)

    pages = exports.pages_after(page, place_of=lambda one: one[0])
    lines = ([row for _, row in one] for one in pages)
    return exports.streamed_csv(f"segment-snapshot-{snapshot_id}", MEMBERS_HEADER, lines)


@blueprint.post("/segments/<int:segment_id>/tags")
@requires(Permission.SEGMENTS_WRITE)
def start_automatic_tag(segment_id: int) -> Response:
    """Let a tag follow a segment from now on."""
    for_the_chain()
    step = partial(service.start_automatic_tag, segment_id=segment_id, tag_id=forms.integer("tag_id"))
    return steps.take(step, done="标签开始跟随分群", back=_page_of(segment_id))


@blueprint.post("/segments/<int:segment_id>/tags/<int:tag_id>/keep")
@requires(Permission.SEGMENTS_WRITE)
def keep_automatic_tag(segment_id: int, tag_id: int) -> Response:
    """Bring a tag in step with its segment now."""
    for_the_chain()
    at = container().clock.now()
    return forms.act(
        lambda session: service.keep_in_step(session, tag_id=tag_id, at=at),
        done="开始更新标签",
        back=_page_of(segment_id),
    )


@blueprint.post("/segments/<int:segment_id>/tags/<int:tag_id>/resume")
@requires(Permission.SEGMENTS_WRITE)
def resume_automatic_tag(segment_id: int, tag_id: int) -> Response:
    """Let a tag that an error kept from following its segment go on."""
    for_the_chain()
    step = partial(service.resume_automatic_tag, tag_id=tag_id)
    return steps.take(step, done="继续执行", back=_page_of(segment_id))


@blueprint.post("/segments/<int:segment_id>/tags/<int:tag_id>/stop")
@requires(Permission.SEGMENTS_WRITE)
def stop_automatic_tag(segment_id: int, tag_id: int) -> Response:
    """Let a tag follow its segment no longer."""
    for_the_chain()
    step = partial(service.stop_automatic_tag, tag_id=tag_id)
    return steps.take(step, done="标签不再跟随分群", back=_page_of(segment_id))


def _rows(session: "Session", members: Iterable[MemberView]) -> list[tuple[int, exports.Row]]:
    found = list(members)
    names = stores.names(session, {one.enrolled_store_id for one in found if one.enrolled_store_id is not None})
    return [
        (
            one.id,
            (
                one.number,
                STATUS_NAMES[one.status],
                one.phone_masked,
                names.get(one.enrolled_store_id or 0, ""),
                local_time(one.enrolled_at),
            ),
        )
        for one in found
    ]


def _page_of(segment_id: int) -> str:
    return url_for("console.segment_page", segment_id=segment_id)
