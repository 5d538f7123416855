"""A member's points statement: filters, one entry with everything it touched, and the whole of it as a file."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.kernel.clock import business_date
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from loyalty.points import statement
from loyalty.points.rules import EntryKind
from loyalty.points.statement import EntryView, Period
from loyalty.reports.explained_entry import explained_entry
from loyalty.staff.rules import Permission
from portal.console import exports, forms, member_names, paging
from portal.console.access import requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.member_exports import export_of_member
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

MONTHS_MAX = 120
HEADER = ("流水号", "发生时间", "入账时间", "类型", "积分", "余额", "原因", "门店")


@blueprint.get("/members/<int:member_id>/entries")
@requires(Permission.MEMBERS_READ)
def member_entries(member_id: int) -> str:
    """Show a member's statement, page by page, by kind and by month of booking."""
    cursor, kinds, period = paging.cursor(), _kinds(), _period()

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        return {"member": member, "page": _page(session, member_id, kinds, period, cursor, PAGE_SIZE)}

    return render_template(
        "console/member_entries.html",
        is_first=cursor is None,
        address=paging.address,
        entry_names=member_names.ENTRY_NAMES,
        kind=forms.text("kind"),
        month=forms.text("month"),
        months=_months,
        **run(container().database, read),
    )


@blueprint.get("/members/<int:member_id>/entries/<int:entry_id>")
@requires(Permission.MEMBERS_READ)
def member_entry(member_id: int, entry_id: int) -> str:
    """Show one entry: why it moved points, which lots it opened or drew on, and what undid it."""
    at = container().clock.now()

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        explained = explained_entry(session, member_id=member_id, entry_id=entry_id, at=at)
        return {"member": member, "explained": explained, "actors": names_of(session, [explained.trace.actor])}

    return render_template("console/member_entry.html", member_names=member_names, **run(container().database, read))


@blueprint.post("/members/<int:member_id>/entries/export")
@requires(Permission.MEMBERS_EXPORT)
def export_entries(member_id: int) -> Response:
    """Download what the filter shows."""
    kinds, period = _kinds(), _period()

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = _page(session, member_id, kinds, period, cursor, PAGE_SIZE_MAX)
        return Page([_row(entry) for entry in page.items], page.next_cursor)

    return export_of_member(member_id, name="statement", action="points.export_statement", header=HEADER, read=read)


def _row(entry: EntryView) -> exports.Row:
    return (
        entry.id,
        entry.occurred_at,
        entry.recorded_at,
        member_names.ENTRY_NAMES[entry.kind],
        entry.points,
        entry.balance_after,
        entry.reason,
        entry.store_name,
    )


def _page(
    session: "Session",
    member_id: int,
    kinds: Collection[EntryKind],
    period: Period | None,
    cursor: str | None,
    limit: int,
) -> Page[EntryView]:
    return statement.list_entries(session, member_id=member_id, kinds=kinds, period=period, cursor=cursor, limit=limit)


def _kinds() -> list[EntryKind]:
    kind = forms.optional_choice("kind", EntryKind)
    return [kind] if kind is not None else []


def _months(enrolled_at: datetime) -> list[tuple[str, str]]:
    """Return the months to choose from: the present one and those before it, back to when the member enrolled."""
    zone = container().zone
    month, first = business_date(container().clock.now(), zone), business_date(enrolled_at, zone).replace(day=1)
    offered: list[tuple[str, str]] = []
    while month >= first and len(offered) < MONTHS_MAX:
        offered.append((f"{month:%Y-%m}", f"{month.year}年{month.month}月"))
        month = month.replace(day=1) - timedelta(days=1)
    return offered


def _period() -> Period | None:
    """Return the month of the filter.

    Raises:
        InvalidField: it is none.
    """
    text = forms.text("month")
    if not text:
        return None
    try:
        return statement.month_period(date.fromisoformat(f"{text}-01"), container().zone)
    except (ValueError, OverflowError) as error:
        raise forms.InvalidField(field="month") from error
