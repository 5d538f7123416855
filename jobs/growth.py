"""What brings growth (成长值): points that were earned, and check-ins by their own measure."""

from datetime import datetime

from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.tiers import service as tiers


def grow_by_points(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Count points that were earned as growth; those of a check-in count as its plan says instead."""
    if payload["source"] != "check_in":
        _grow(session, payload["member_id"], payload["points"], f"entry:{payload['entry_id']}", at)


def grow_by_check_in(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Add the growth that the plan gives for a check-in."""
    _grow(session, payload["member_id"], payload["growth"], f"check_in:{payload['checked_in_on']}", at)


def _grow(session: Session, member_id: int, growth: int, reference: str, at: datetime) -> None:
    if growth:
        tiers.review(session, member_id=member_id, growth=growth, reference=reference, at=at)
