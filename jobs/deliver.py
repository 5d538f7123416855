"""Delivering leased events: each in a transaction of its own, so that one failure stays alone."""

import time
from collections.abc import Sequence
from uuid import UUID

import structlog

from jobs import context, handlers
from loyalty.container import Container
from loyalty.kernel import outbox
from loyalty.kernel.database import Session
from loyalty.kernel.errors import Conflict, LoyaltyError, Unavailable
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run

log = structlog.get_logger("jobs.deliver")

WORK_SECONDS_MAX = 10.0
"""Well within a lease, which is renewed at the start; what is not reached falls due again by itself."""


def deliver(lease_id: str) -> None:
    """Handle the events of one lease, oldest first."""
    container = context.container()
    events = run(container.database, lambda session: _still_held(session, UUID(lease_id)))
    stop_at = time.monotonic() + WORK_SECONDS_MAX
    for event in events:
        if time.monotonic() > stop_at:
            log.warning("chunk_left_unfinished", lease_id=lease_id)
            return
        deliver_one(container, event)


def _still_held(session: Session, lease_id: UUID) -> Sequence[OutboxEvent]:
    outbox.renew(session, lease_id=lease_id)
    return outbox.leased(session, lease_id=lease_id)


def deliver_one(container: Container, event: OutboxEvent) -> None:
    """Handle one event and forget it; put it off when it failed, whatever the reason."""
    try:
        handlers.handle(container, event)
    except Conflict as error:
        # What the event asks for has happened already, or can no longer happen.
        log.info("event_settled_before", event_id=event.id, kind=event.kind, error_code=error.code)
        run(container.database, lambda session: outbox.complete(session, event_id=event.id))
    except Unavailable as error:
        log.info("event_put_off", event_id=event.id, kind=event.kind, error_code=error.code)
        _postpone(container, event, error)
    except Exception as error:
        log.exception("event_failed", event_id=event.id, kind=event.kind, attempts=event.attempts)
        _postpone(container, event, error)


def _postpone(container: Container, event: OutboxEvent, error: Exception) -> None:
    # Never the error's own text: it may quote what was being written.
    told = error.code if isinstance(error, LoyaltyError) else type(error).__name__
    at = container.clock.now()
    run(container.database, lambda session: outbox.postpone(session, event_id=event.id, error=told, at=at))
