"""Commissions (佣金) for fans: what friends' purchases did not earn, and why."""

from flask import render_template, request

from loyalty.commissions.queries.missed import list_missed
from loyalty.kernel.transaction import run
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint


@blueprint.get("/earnings/missed")
def missed_commissions() -> str:
    """List the purchases that earned nothing, the latest first."""
    member_id, zone, cursor = session.member_id(), container().zone, request.args.get("cursor") or None
    page = run(
        container().database,
        lambda database_session: list_missed(database_session, member_id=member_id, zone=zone, cursor=cursor),
    )
    return render_template("h5/missed_commissions.html", page=page)
