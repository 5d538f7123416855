"""The rows behind a figure of a board (明细): of one day, at the node of the tree where the board stands."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.kernel.clock import business_date
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.reports.rollups.figures import LABELS
from loyalty.reports.rollups.rows import ROWS, FigureRow, rows_of_day
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, paging
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.board_places import place_of
from portal.console.figures import shown_money
from portal.console.filters import local_time
from portal.console.personal_exports import export_personal
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

HEADER = ("编号", "会员号", "时间", "计入")


@blueprint.get("/boards/rows")
@requires(Permission.MEMBERS_READ)
def board_rows() -> str:
    """List what a figure counts on a day, the latest first."""
    cursor, figure = paging.cursor(), _figure()
    day = forms.optional_day("day") or business_date(container().clock.now(), container().zone)

    def read(session: "Session") -> dict[str, Any]:
        page = _found(figure)(session, cursor=cursor)
        return {"page": page, **_named(session, page.items)}

    return render_template(
        "console/board_rows.html",
        figure=figure,
        label=LABELS[figure],
        day=day,
        store_id=forms.optional_integer("store_id"),
        is_first=cursor is None,
        address=paging.address,
        **run(container().database, read),
    )


@blueprint.post("/boards/rows/export")
@requires(Permission.MEMBERS_EXPORT)
def export_board_rows() -> Response:
    """Download the rows; who took them is audited."""
    figure = _figure()
    read = exports.as_rows(_found(figure), partial(_cells, figure=figure), named=_named)
    return export_personal(f"board-{figure}", HEADER, read, action="boards.export", subject=f"figure:{figure}")


def _figure() -> str:
    figure = forms.text("figure")
    if figure not in ROWS:
        raise forms.InvalidField(field="figure")
    return figure


def _found(figure: str) -> Callable[..., Page[FigureRow]]:
    """Return the rows of the day and the node that this request asks for, of which pages can be asked for."""
    zone, chosen, scope = container().zone, forms.optional_integer("store_id"), current_scope()
    day = forms.optional_day("day") or business_date(container().clock.now(), zone)

    def found(session: "Session", **paged: Any) -> Page[FigureRow]:
        place = place_of(stores.list_tree(session, scope=scope), chosen=chosen, scope=scope)
        return rows_of_day(session, figure=figure, scope=place.scope, day=day, zone=zone, **paged)

    return found


def _named(session: "Session", rows: Sequence[FigureRow]) -> dict[str, dict[int, str]]:
    return {"numbers": members.numbers(session, {row.member_id for row in rows})}


def _cells(row: FigureRow, *, numbers: dict[int, str], figure: str) -> exports.Row:
    counts = shown_money(row.counts) if figure.endswith("_fen") else row.counts
    return (row.id, numbers.get(row.member_id, ""), local_time(row.at) if row.at else "", counts)
