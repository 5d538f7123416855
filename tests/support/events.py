"""Reads what a test left in the outbox."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.kernel.outbox import OutboxEvent


def recorded(session: Session, kind: str) -> list[Json]:
    """The payloads of all events of a kind, oldest first."""
    session.flush()
    query = select(OutboxEvent.payload).where(OutboxEvent.kind == kind).order_by(OutboxEvent.id)
    return list(session.scalars(query))
