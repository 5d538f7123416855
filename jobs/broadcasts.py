"""Broadcasts (推送任务): groups of messages for a few seconds at a time, so that urgent work gets its turn in between.

One worker at a time sends for one broadcast: its lease runs out when it dies, and ``carry_on`` wakes another one. That
nothing goes twice does not rest on the lease.
"""

import time
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from jobs import context, queues
from jobs.courier import Courier
from jobs.periodic import PeriodicRun
from jobs.sending import accounts_of
from loyalty.broadcasts import queries, service
from loyalty.container import Container
from loyalty.kernel import runs
from loyalty.kernel.database import Json
from loyalty.kernel.transaction import run

LEASE = "broadcasts"
"""One for all: what an account may be called in a second is shared by all broadcasts."""
LEASE_SECONDS = 60
"""Longer than the calls of one group may take."""
JOB_SECONDS = 600
SLICE_SECONDS = 5.0


def wake(container: Container, _payload: Json, _at: datetime) -> None:
    """Give what is due to a worker."""
    _enqueue(container)


def perform(turn: int) -> None:
    """Send for every broadcast that is due, in turn, until the slice of time is up; then let others go first.

    What goes on is another job, of the other of two turns: this one's id is still taken.
    """
    container, holder = context.container(), uuid4().hex

    def hold() -> bool:
        return run(
            container.database,
            lambda session: runs.hold_lease(session, name=LEASE, holder=holder, seconds=LEASE_SECONDS),
        )

    if not hold():
        return
    try:
        is_unfinished = _slice(container, hold)
    finally:
        run(container.database, lambda session: runs.release_lease(session, name=LEASE, holder=holder))
    if is_unfinished:
        _enqueue(container, turn=1 - turn)


def carry_on(periodic: PeriodicRun) -> Json:
    """Give up attempts whose worker died, and wake a worker when something is due."""
    container = periodic.container
    at = container.clock.now()
    given_up = run(container.database, lambda session: service.resolve_stale(session, at=at))
    due = run(container.database, lambda session: service.list_due(session, at=at))
    if due:
        _enqueue(container)
    return {"broadcasts": len(due), "given_up": given_up}


def _slice(container: Container, hold: Callable[[], bool]) -> bool:
    """Send; return whether there is more to send, and nothing stands against it."""
    database, clock = container.database, container.clock
    policy = run(database, queries.current_policy)
    stop_at = time.monotonic() + SLICE_SECONDS
    with Courier(
        accounts_of(container),
        a_second=policy.messages_a_second,
        public_base_url=container.settings.public_base_url,
    ) as courier:
        while due := run(database, lambda session: service.list_due(session, at=clock.now())):
            done = 0
            for broadcast_id in due:
                done += service.send_group(
                    database, courier=courier, broadcast_id=broadcast_id, zone=container.zone, at=clock.now()
                )
                if time.monotonic() > stop_at:
                    return True
                if not hold():
                    return False
            if not done:  # the quiet hours, or service notices that wait
                return False
    return False


def _enqueue(container: Container, *, turn: int = 0) -> None:
    queue = queues.queue(queues.DEFAULT, connection=container.redis)
    queues.enqueue_once(queue, perform, args=(turn,), job_id=f"broadcasts-{turn}", timeout=JOB_SECONDS)
