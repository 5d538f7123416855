"""The statement (积分明细): every entry with its reason."""

from itertools import groupby

from flask import render_template, request

from loyalty.kernel.transaction import run
from loyalty.points import queries
from loyalty.points.queries import EntryView
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint


@blueprint.get("/points")
def points() -> str:
    """Show the account and a page of its entries, month by month."""
    at, member_id, cursor = container().clock.now(), session.member_id(), request.args.get("cursor")
    summary, page = run(
        container().database,
        lambda database_session: (
            queries.summary(database_session, member_id=member_id, at=at),
            queries.list_entries(database_session, member_id=member_id, cursor=cursor),
        ),
    )
    months = [(title, list(entries)) for title, entries in groupby(page.items, key=_month)]
    return render_template("h5/points.html", summary=summary, page=page, months=months)


def _month(entry: EntryView) -> str:
    day = entry.occurred_at.astimezone(container().zone)
    return f"{day.year}年{day.month}月"
