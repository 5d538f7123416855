"""Lets the handlers and the periodic jobs do what was recorded or is due, as their processes do."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from jobs import handlers
from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.kernel.database import Json
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.timetable import Slot
from tests.support.events import recorded


def handle_twice(container: Container, kind: str, payload: Json) -> None:
    at = container.clock.now()
    for _ in range(2):
        handlers.handle(container, OutboxEvent(id=0, kind=kind, payload=payload, recorded_at=at, attempts=1))


def handle_all(container: Container, session: Session, *kinds: str, is_last_first: bool = False) -> None:
    """Handle every event of some kinds that was recorded so far, one kind after another, each event twice."""
    for kind in kinds:
        events = recorded(session, kind)
        for payload in reversed(events) if is_last_first else events:
            handle_twice(container, kind, payload)


def perform(container: Container, job: Callable[[PeriodicRun], Json]) -> Json:
    at = container.clock.now()
    return job(PeriodicRun(container, job=job.__name__, slot=Slot(at.isoformat(), at.date())))
