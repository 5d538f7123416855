"""The statement (积分明细): every entry with its reason, what it touched, and the lots with their expiry."""

from itertools import groupby

from flask import render_template, request

from loyalty.kernel.clock import business_date
from loyalty.kernel.transaction import run
from loyalty.points import queries, statement
from loyalty.points.rules import EntryKind
from loyalty.points.statement import EntryView
from loyalty.reports.explained_entry import explained_entry
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.months import month_of, read_month

FILTERS = {
    "earn": ("获得", [EntryKind.EARN]),
    "spend": ("使用", [EntryKind.SPEND]),
    "expire": ("过期", [EntryKind.EXPIRE]),
    "other": ("调整", [EntryKind.ADJUST, EntryKind.REVERSE, EntryKind.TRANSFER]),
}
"""What the member may narrow the statement to; together they are all kinds."""
KIND_NAMES = {
    EntryKind.EARN: "获得积分",
    EntryKind.SPEND: "使用积分",
    EntryKind.EXPIRE: "积分到期",
    EntryKind.REVERSE: "冲正",
    EntryKind.ADJUST: "人工调整",
    EntryKind.TRANSFER: "账号合并",
}


@blueprint.get("/points")
def points() -> str:
    """Show the account and a page of its entries, month by month; of one kind or one month when asked."""
    at, member_id, zone = container().clock.now(), session.member_id(), container().zone
    cursor, shown = request.args.get("cursor"), request.args.get("kind", "")
    kinds = FILTERS[shown][1] if shown in FILTERS else []
    day = read_month(request.args.get("month"))
    period = statement.month_period(day, zone) if day else None
    summary, page = run(
        container().database,
        lambda database_session: (
            queries.summary(database_session, member_id=member_id, at=at),
            statement.list_entries(database_session, member_id=member_id, kinds=kinds, period=period, cursor=cursor),
        ),
    )
    today = business_date(at, zone)
    return render_template(
        "h5/points.html",
        summary=summary,
        page=page,
        months=[(title, list(entries)) for title, entries in groupby(page.items, key=_month)],
        month=month_of(day, today=today) if day else None,
        this_month=month_of(today, today=today),
        filters=FILTERS,
        shown=shown if shown in FILTERS else None,
    )


@blueprint.get("/points/<int:entry_id>")
def entry(entry_id: int) -> str:
    """Show one entry: the rules that paid it, what it lacked for more, and the lots it touched."""
    at, member_id = container().clock.now(), session.member_id()
    explained = run(
        container().database,
        lambda database_session: explained_entry(database_session, member_id=member_id, entry_id=entry_id, at=at),
    )
    return render_template("h5/entry.html", explained=explained, trace=explained.trace, kind_names=KIND_NAMES)


@blueprint.get("/points/lots")
def lots() -> str:
    """Show what is left in lots, the soonest to lapse first."""
    at, member_id, cursor = container().clock.now(), session.member_id(), request.args.get("cursor")
    page, soon = run(
        container().database,
        lambda database_session: (
            statement.list_lots(database_session, member_id=member_id, at=at, cursor=cursor),
            statement.expiring_soon(database_session, member_id=member_id, at=at),
        ),
    )
    days = [(expires_at, list(group)) for expires_at, group in groupby(page.items, key=lambda lot: lot.expires_at)]
    return render_template("h5/lots.html", page=page, soon=soon, days=days)


def _month(entry: EntryView) -> str:
    """Name the month in which an entry was booked: entries come in that order."""
    day = entry.recorded_at.astimezone(container().zone)
    return f"{day.year}年{day.month}月"
