"""Lists of adjustments (人工调整): batches by file, and those that one person made alone; both of the whole chain."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.adjustments import queries
from loyalty.adjustments.queries import BatchView
from loyalty.adjustments.rules.batches import BatchState
from loyalty.adjustments.rules.single import Reason
from loyalty.kernel import audit
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import adjustment_names, exports, forms, paging
from portal.console.access import require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.audit import AuditEntry
    from loyalty.kernel.database import Session

BATCHES_HEADER = ("批次", "原因", "人数", "增加积分", "扣减积分", "错误行", "上传人", "上传时间", "状态")
SINGLES_HEADER = ("时间", "会员", "积分", "原因", "操作者")


@blueprint.get("/adjustments")
@requires(Permission.ADJUSTMENTS_READ)
def adjustment_list() -> str:
    """List batches, newest first."""
    require_whole_chain()
    cursor = paging.cursor()
    return render_template(
        "console/adjustment_list.html",
        page=run(container().database, partial(_batches(), cursor=cursor)),
        names=adjustment_names,
        filters={name: forms.text(name) for name in ("title", "reason", "state")},
        is_first=cursor is None,
        address=paging.address,
    )


@blueprint.get("/adjustments.csv")
@requires(Permission.ADJUSTMENTS_READ)
def export_adjustments() -> Response:
    """Download what the filter shows."""
    require_whole_chain()
    read = exports.as_rows(_batches(), _batch_row, named=_batches_named)
    return exports.streamed_list("adjustments", BATCHES_HEADER, read)


@blueprint.get("/adjustments/singles")
@requires(Permission.ADJUSTMENTS_READ)
def single_adjustment_list() -> str:
    """List what people gave and took by hand, newest first."""
    require_whole_chain()
    cursor, singles = paging.cursor(), _singles()

    def read(session: "Session") -> dict[str, Any]:
        page = singles(session, cursor=cursor)
        return {"page": page, **_singles_named(session, page.items)}

    return render_template(
        "console/single_adjustment_list.html",
        names=adjustment_names,
        filters={name: forms.text(name) for name in ("reason", "since", "until")},
        is_first=cursor is None,
        address=paging.address,
        **run(container().database, read),
    )


@blueprint.get("/adjustments/singles.csv")
@requires(Permission.ADJUSTMENTS_READ)
def export_single_adjustments() -> Response:
    """Download what the filter shows."""
    require_whole_chain()
    read = exports.as_rows(_singles(), _single_row, named=_singles_named)
    return exports.streamed_list("single-adjustments", SINGLES_HEADER, read)


def _batches() -> Callable[..., Page[BatchView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    return partial(
        queries.list_batches,
        title=forms.text("title"),
        reason=forms.optional_choice("reason", Reason),
        state=forms.optional_choice("state", BatchState),
    )


def _singles() -> "Callable[..., Page[AuditEntry]]":
    reason, (since, until) = forms.optional_choice("reason", Reason), forms.day_range("since", "until")
    after = None if reason is None else {"reason": reason}

    def page(session: "Session", *, cursor: str | None, limit: int = PAGE_SIZE) -> "Page[AuditEntry]":
        entries = audit.list_entries(
            session,
            action="adjustments.adjust",
            after=after,
            since=since,
            until=until,
            before_id=decode_cursor(cursor),
            limit=limit + 1,
        )
        return page_of(entries, limit=limit, id_of=lambda entry: entry.id)

    return page


def _batches_named(session: "Session", batches: Sequence[BatchView]) -> dict[str, dict[str, str]]:
    return {"people": names_of(session, {batch.created_by for batch in batches})}


def _singles_named(session: "Session", entries: Sequence["AuditEntry"]) -> dict[str, dict[str, str]]:
    return {"actors": names_of(session, {text for entry in entries for text in (entry.actor, entry.subject)})}


def _batch_row(batch: BatchView, *, people: dict[str, str]) -> exports.Row:
    return (
        batch.title,
        adjustment_names.REASON_NAMES[batch.reason],
        batch.rows,
        batch.credit_points,
        batch.debit_points,
        batch.bad_rows,
        people.get(batch.created_by, batch.created_by),
        batch.created_at,
        adjustment_names.STATE_NAMES[batch.state],
    )


def _single_row(entry: "AuditEntry", *, actors: dict[str, str]) -> exports.Row:
    told = entry.after
    assert told is not None, "an adjustment says what it moved"
    reason = adjustment_names.REASON_NAMES[Reason(told["reason"])]
    member, actor = (actors.get(text, text) for text in (entry.subject, entry.actor))
    return entry.recorded_at, member, told["points"], reason, actor
