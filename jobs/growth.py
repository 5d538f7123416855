"""What brings growth (成长值) beside earning rules, which say themselves how much: check-ins, by their plan."""

from datetime import datetime

from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.members import queries as members
from loyalty.tiers import service as tiers


def grow_by_check_in(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Add the growth that the plan gives for a check-in, to the survivor where the member was merged since."""
    member = members.lock_bearer(session, member_id=payload["member_id"]) if payload["growth"] else None
    if member is None:
        return
    tiers.review(
        session,
        member_id=member.id,
        growth=payload["growth"],
        reference=f"check_in:{payload['checked_in_on']}",
        at=at,
        counted_at=datetime.fromisoformat(payload["checked_in_at"]),
    )
