"""The statement: what was booked for the key's stores on a day, to reconcile by."""

from typing import Any

from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.partners.statement import StatementLine, list_bookings
from portal.context import container
from portal.partner_api.auth import caller
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.schemas.statement import Statement, StatementQuery

blueprint = subject("statement", __name__, description="Reconcile.")


@blueprint.get("/statement")
@blueprint.arguments(StatementQuery, location="query")
@blueprint.response(200, Statement)
def show_statement(query: dict[str, Any]) -> Page[StatementLine]:
    """List what was booked on a day, oldest first; a day that is over never changes."""
    key, zone = caller(), container().zone
    return run(container().database, lambda session: list_bookings(session, caller=key, zone=zone, **query))
