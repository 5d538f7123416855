"""Evaluations of a member's events (规则评估): which rules paid, which did not, and what was lacking."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.earning.evaluations import EvaluationView, list_evaluations
from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.words import EVENT_NAMES
from loyalty.kernel.pagination import PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, paging
from portal.console.access import requires
from portal.console.blueprint import blueprint
from portal.console.member_exports import export_of_member
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

HEADER = ("时间", "事件", "门店", "积分", "成长值", "获得", "未获得")


@blueprint.get("/members/<int:member_id>/evaluations")
@requires(Permission.MEMBERS_READ)
def member_evaluations(member_id: int) -> str:
    """List what became of a member's events by the rules, newest first."""
    cursor, evaluations = paging.cursor(), _evaluations(member_id)

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        page = evaluations(session, cursor=cursor)
        return {"member": member, "page": page, "store_names": _store_names(session, page)}

    return render_template(
        "console/member_evaluations.html",
        is_first=cursor is None,
        address=paging.address,
        event=forms.text("event"),
        event_names=EVENT_NAMES,
        **run(container().database, read),
    )


@blueprint.post("/members/<int:member_id>/evaluations/export")
@requires(Permission.MEMBERS_EXPORT)
def export_evaluations(member_id: int) -> Response:
    """Download what the filter shows."""
    evaluations = _evaluations(member_id)

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = evaluations(session, cursor=cursor, limit=PAGE_SIZE_MAX)
        store_names = _store_names(session, page)
        return Page([_row(evaluation, store_names) for evaluation in page.items], page.next_cursor)

    return export_of_member(member_id, name="evaluations", action="earning.export", header=HEADER, read=read)


def _evaluations(member_id: int) -> Callable[..., Page[EvaluationView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    return partial(list_evaluations, member_id=member_id, event=forms.optional_choice("event", EarningEvent))


def _store_names(session: "Session", page: Page[EvaluationView]) -> dict[int, str]:
    return stores.names(session, {one.store_id for one in page.items if one.store_id is not None})


def _row(one: EvaluationView, store_names: dict[int, str]) -> exports.Row:
    return (
        one.occurred_at,
        EVENT_NAMES[EarningEvent(one.event)],
        store_names.get(one.store_id or 0),
        one.points,
        one.growth,
        "；".join(one.told_awards),
        "；".join(one.told_misses),
    )
