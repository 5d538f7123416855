"""Waking a worker for a broadcast that has something to send now."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel import outbox

WANTED = "broadcast.wanted"


def wake(session: Session, *, broadcast_id: int, at: datetime) -> None:
    """Let a worker look; one that looks already goes on."""
    outbox.record(session, WANTED, {"broadcast_id": broadcast_id}, at=at)
