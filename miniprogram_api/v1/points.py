"""Points: the account and the statement with its reasons."""

from typing import Any

from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.points import queries
from loyalty.points.queries import EntryView
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import points as schemas
from miniprogram_api.v1.schemas.base import CursorQuery

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
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.Entries)
def list_entries(query: dict[str, Any]) -> Page[EntryView]:
    """List the statement, newest first, each entry with its reason."""
    owner = member_id()
    return run(container().database, lambda session: queries.list_entries(session, member_id=owner, **query))
