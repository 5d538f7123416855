"""Broadcasts (推送任务): what each says and how far it is; pausing, resuming and stopping it.

One goes to members of the whole chain, so all of it is for those who see the whole chain.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.broadcasts import queries, service
from loyalty.broadcasts.queries import BroadcastView
from loyalty.broadcasts.rules.states import BroadcastState
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import broadcast_names, exports, forms, paging
from portal.console.access import actor, require_whole_chain, requires
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


HEADER = ("编号", "标题", "内容", "渠道", "人数", "创建时间", "状态")


@blueprint.get("/broadcasts")
@requires(Permission.BROADCASTS_READ)
def broadcast_list() -> str:
    """List broadcasts, the newest first."""
    require_whole_chain()
    cursor, found = paging.cursor(), _found()
    page = run(container().database, lambda session: found(session, cursor=cursor))
    return render_template(
        "console/broadcast_list.html",
        page=page,
        is_first=cursor is None,
        address=paging.address,
        names=broadcast_names,
        state=forms.text("state"),
    )


@blueprint.get("/broadcasts.csv")
@requires(Permission.BROADCASTS_READ)
def export_broadcasts() -> Response:
    """Download what the filter shows."""
    require_whole_chain()
    return exports.streamed_list("broadcasts", HEADER, exports.as_rows(_found(), _row, named=lambda *_page: {}))


@blueprint.get("/broadcasts/<int:broadcast_id>")
@requires(Permission.BROADCASTS_READ)
def broadcast_page(broadcast_id: int) -> str:
    """Show a broadcast: what it says, how far it is, and why some get no push."""
    return render_template("console/broadcast_page.html", **_known_of(broadcast_id))


@blueprint.get("/broadcasts/<int:broadcast_id>/progress")
@requires(Permission.BROADCASTS_READ)
def broadcast_progress(broadcast_id: int) -> str:
    """Show the part of the page that moves while messages go out."""
    return render_template("console/_broadcast_progress.html", **_known_of(broadcast_id))


@blueprint.post("/broadcasts/<int:broadcast_id>/pause")
@requires(Permission.BROADCASTS_WRITE)
def pause_broadcast(broadcast_id: int) -> Response:
    """Send nothing more for the time being."""
    return _act(broadcast_id, service.pause, done="已暂停")


@blueprint.post("/broadcasts/<int:broadcast_id>/resume")
@requires(Permission.BROADCASTS_WRITE)
def resume_broadcast(broadcast_id: int) -> Response:
    """Go on where it stopped."""
    return _act(broadcast_id, service.resume, done="继续发送")


@blueprint.post("/broadcasts/<int:broadcast_id>/stop")
@requires(Permission.BROADCASTS_WRITE)
def stop_broadcast(broadcast_id: int) -> Response:
    """Send nothing more for good."""
    return _act(broadcast_id, service.stop, done="已停止，其余会员只保留站内消息")


def _act(broadcast_id: int, step: Callable[..., None], *, done: str) -> Response:
    require_whole_chain()
    at = container().clock.now()
    return forms.act(
        lambda session: step(session, broadcast_id=broadcast_id, actor=actor(), at=at),
        done=done,
        back=url_for("console.broadcast_page", broadcast_id=broadcast_id),
    )


def _found() -> Callable[..., Page[BroadcastView]]:
    return partial(queries.list_broadcasts, state=forms.optional_choice("state", BroadcastState))


def _row(one: BroadcastView) -> exports.Row:
    ways = " → ".join(broadcast_names.CHANNEL_NAMES[channel] for channel in one.channels)
    state = broadcast_names.STATE_NAMES[one.state]
    return (one.id, one.content.title, one.content.body, ways, one.members_total, one.created_at, state)


def _known_of(broadcast_id: int) -> dict[str, Any]:
    require_whole_chain()

    def read(session: "Session") -> dict[str, Any]:
        return {
            "broadcast": queries.get_broadcast(session, broadcast_id=broadcast_id),
            "progress": queries.progress(session, broadcast_id),
            "names": broadcast_names,
        }

    return run(container().database, read)
