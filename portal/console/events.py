"""Events set aside after their last try, and another try for them."""

from typing import TYPE_CHECKING

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import audit, outbox
from loyalty.kernel.errors import NotFound
from loyalty.kernel.pagination import PAGE_SIZE, decode_cursor, page_of
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


EXPORT_ROWS_MAX = 10_000


class EventNotDead(NotFound):
    """The event was tried again by somebody else, or never set aside."""

    code = "event_not_dead"
    message = "该事件已经重试或不存在"


@blueprint.get("/events")
@requires(Permission.JOBS_READ)
def dead_events() -> str:
    """List the events that were given up on, newest first."""
    cursor = paging.cursor()
    database, before_id = container().database, decode_cursor(cursor)
    kind = forms.text("kind")
    rows = run(
        database,
        lambda session: outbox.list_dead(session, kind=kind, before_id=before_id, limit=PAGE_SIZE + 1),
    )
    waiting, _dead = run(database, outbox.count_waiting)
    return render_template(
        "console/dead_events.html",
        page=page_of(rows, limit=PAGE_SIZE, id_of=lambda event: event.id),
        is_first=cursor is None,
        address=paging.address,
        waiting=waiting,
        kind=kind,
    )


@blueprint.get("/events.csv")
@requires(Permission.JOBS_READ)
def export_dead_events() -> Response:
    """Download what the filter shows, newest first."""
    kind = forms.text("kind")
    found = run(container().database, lambda session: outbox.list_dead(session, kind=kind, limit=EXPORT_ROWS_MAX))
    rows = ((one.id, one.kind, one.payload, one.recorded_at, one.dead_at, one.last_error) for one in found)
    return exports.csv_response("events", ("编号", "事件", "内容", "发生时间", "搁置时间", "最后的错误"), rows)


@blueprint.post("/events/<int:event_id>/retry")
@requires(Permission.JOBS_WRITE)
def retry_event(event_id: int) -> Response:
    """Let the workers try an event again."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        if not outbox.revive(session, event_id=event_id):
            raise EventNotDead
        subject = f"event:{event_id}"
        audit.write(session, actor=actor(), action="events.retry", subject=subject, at=at)

    return forms.act(work, done="已安排重试", back=url_for("console.dead_events"))
