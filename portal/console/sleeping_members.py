"""Sleeping members (沉睡会员): who stands behind the figure of a board, at the node where the board stands."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.reports.rollups.standing import Sleeper, list_sleepers
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, paging
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.board_places import place_of
from portal.console.filters import local_time
from portal.console.personal_exports import export_personal
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

HEADER = ("会员号", "入会门店", "最后动作")


@blueprint.get("/boards/sleeping")
@requires(Permission.MEMBERS_READ)
def sleeping_members() -> str:
    """List who sleeps at this moment, the latest to enrol first."""
    cursor, found = paging.cursor(), _found()

    def read(session: "Session") -> dict[str, Any]:
        page = found(session, cursor=cursor)
        return {"page": page, **_named(session, page.items)}

    return render_template(
        "console/sleeping_members.html",
        store_id=forms.optional_integer("store_id"),
        header=HEADER,
        is_first=cursor is None,
        address=paging.address,
        **run(container().database, read),
    )


@blueprint.post("/boards/sleeping/export")
@requires(Permission.MEMBERS_EXPORT)
def export_sleeping_members() -> Response:
    """Download them; who took the list is audited."""
    read = exports.as_rows(_found(), _cells, named=_named)
    return export_personal("sleeping-members", HEADER, read, action="boards.export", subject="figure:sleeping_members")


def _found() -> Callable[..., Page[Sleeper]]:
    """Return who sleeps at the node that this request asks for, of which pages can be asked for."""
    chosen, scope, at = forms.optional_integer("store_id"), current_scope(), container().clock.now()

    def found(session: "Session", **paged: Any) -> Page[Sleeper]:
        place = place_of(stores.list_tree(session, scope=scope), chosen=chosen, scope=scope)
        return list_sleepers(session, scope=place.scope, at=at, **paged)

    return found


def _named(session: "Session", sleepers: Sequence[Sleeper]) -> dict[str, dict[int, str]]:
    return {
        "numbers": members.numbers(session, {one.member_id for one in sleepers}),
        "store_names": stores.names(session, {one.store_id for one in sleepers}),
    }


def _cells(one: Sleeper, *, numbers: dict[int, str], store_names: dict[int, str]) -> exports.Row:
    return (numbers.get(one.member_id, ""), store_names.get(one.store_id, ""), local_time(one.last_act_at))
