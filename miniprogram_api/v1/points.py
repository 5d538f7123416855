"""Points: the account, the statement with its reasons, and the lots with their expiry."""

from datetime import date
from typing import TYPE_CHECKING, Any

from loyalty.earning import evaluations
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.points import queries, statement
from loyalty.points.statement import EntryView
from loyalty.reports.explained_entry import explained_entry
from loyalty.stores import queries as stores
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import points as schemas
from miniprogram_api.v1.schemas.base import CursorQuery

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

blueprint = subject("points", __name__, description="Points and why.")


@blueprint.get("/points")
@blueprint.response(200, schemas.Points)
def show_points() -> dict[str, Any]:
    """Show the points account at this moment."""
    at, owner = container().clock.now(), member_id()
    summary = run(container().database, lambda session: queries.summary(session, member_id=owner, at=at))
    return {
        "balance": summary.balance,
        "available": summary.available,
        "pending": summary.pending,
        "held": summary.held,
        "debt": summary.debt,
        "soonest_expiry": summary.soonest_expires_at
        and {"expires_at": summary.soonest_expires_at, "points": summary.soonest_expiring_points},
    }


@blueprint.get("/points/entries")
@blueprint.arguments(schemas.EntriesQuery, location="query")
@blueprint.response(200, schemas.Entries)
def list_entries(query: dict[str, Any]) -> Page[EntryView]:
    """List the statement, newest first, each entry with its reason; by kind or by the month of booking."""
    owner, kind, month = member_id(), query.pop("kind"), query.pop("month")
    period = statement.month_period(date.fromisoformat(f"{month}-01"), container().zone) if month else None
    kinds = [kind] if kind else []
    return run(
        container().database,
        lambda session: statement.list_entries(session, member_id=owner, kinds=kinds, period=period, **query),
    )


@blueprint.get("/points/entries/<int:entry_id>")
@blueprint.response(200, schemas.EntryDetail)
def show_entry(entry_id: int) -> dict[str, Any]:
    """Show one entry: the rules that paid it, the lots it opened or drew on, and what undid it."""
    at, owner = container().clock.now(), member_id()
    explained = run(
        container().database,
        lambda session: explained_entry(session, member_id=owner, entry_id=entry_id, at=at),
    )
    trace = explained.trace
    return {
        "entry": trace.entry,
        "awards": explained.awards,
        "misses": explained.misses,
        "opened": trace.opened,
        "draws": trace.draws,
        "lots_count": trace.lots_count,
        "reversed_entry": trace.reversed_entry,
        "reversals": trace.reversals,
    }


@blueprint.get("/points/evaluations")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.Evaluations)
def list_evaluations(query: dict[str, Any]) -> dict[str, Any]:
    """List what became of events by the rules, newest first, also of those that brought nothing."""
    owner = member_id()

    def read(session: "Session") -> dict[str, Any]:
        page = evaluations.list_evaluations(session, member_id=owner, **query)
        names = stores.names(session, {one.store_id for one in page.items if one.store_id is not None})
        items = [
            {
                "id": one.id,
                "event": one.event,
                "occurred_at": one.occurred_at,
                "store_name": names.get(one.store_id or 0),
                "points": one.points,
                "growth": one.growth,
                "awards": one.told_awards,
                "misses": one.told_misses,
            }
            for one in page.items
        ]
        return {"items": items, "next_cursor": page.next_cursor}

    return run(container().database, read)


@blueprint.get("/points/lots")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.Lots)
def list_lots(query: dict[str, Any]) -> dict[str, Any]:
    """List the lots that still hold points, the soonest to lapse first."""
    at, owner = container().clock.now(), member_id()
    page, soon = run(
        container().database,
        lambda session: (
            statement.list_lots(session, member_id=owner, at=at, **query),
            statement.expiring_soon(session, member_id=owner, at=at),
        ),
    )
    return {"items": page.items, "next_cursor": page.next_cursor, "expiring_soon": soon}
