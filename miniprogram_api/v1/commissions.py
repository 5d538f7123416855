"""Commissions (佣金): what friends' purchases did not earn, and why; what they earned stands in the statement."""

from typing import Any

from loyalty.commissions.queries.missed import list_missed
from loyalty.kernel.transaction import run
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import commissions as schemas
from miniprogram_api.v1.schemas.base import CursorQuery

blueprint = subject("commissions", __name__, description="Why a friend's purchase earned nothing.")


@blueprint.get("/missed-commissions")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.MissedCommissions)
def list_mine(query: dict[str, Any]) -> Any:
    """List the purchases of friends that earned the member nothing, the latest first, each with its reason."""
    owner, zone = member_id(), container().zone
    return run(container().database, lambda session: list_missed(session, member_id=owner, zone=zone, **query))
