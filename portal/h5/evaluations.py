"""Why events brought points and why they did not (奖励说明), also those that brought none."""

from typing import TYPE_CHECKING, Any

from flask import render_template, request

from loyalty.earning.evaluations import list_evaluations
from loyalty.earning.rules.words import EVENT_NAMES
from loyalty.kernel.transaction import run
from loyalty.stores import queries as stores
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@blueprint.get("/points/evaluations")
def evaluations() -> str:
    """Show what became of the member's events by the rules, newest first."""
    member_id, cursor = session.member_id(), request.args.get("cursor")

    def read(database_session: "Session") -> dict[str, Any]:
        page = list_evaluations(database_session, member_id=member_id, cursor=cursor)
        store_ids = {one.store_id for one in page.items if one.store_id is not None}
        return {"page": page, "store_names": stores.names(database_session, store_ids)}

    return render_template("h5/evaluations.html", event_names=EVENT_NAMES, **run(container().database, read))
