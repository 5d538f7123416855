"""The relay: takes due events out of the outbox and wakes workers for them.

An event stays in the database until its handlers have committed; a lost wake-up costs the rest of
its lease, never the event. Several relays may run side by side.
"""

from collections.abc import Callable
from threading import Event
from uuid import uuid4

import structlog
from redis.exceptions import RedisError
from rq import Queue

from jobs import deliver
from loyalty.kernel import outbox
from loyalty.kernel.database import Database
from loyalty.kernel.errors import Unavailable
from loyalty.kernel.transaction import run

log = structlog.get_logger("jobs.relay")

CHUNK = 100
"""Events a job: a worker forks for every job, so that one job for each event would be slow."""
WAITING_MAX = 2
"""Jobs that wait at most: enough to keep workers busy, while more would let leases run out in the queue."""
IDLE_SECONDS = 0.2
BACK_OFF_SECONDS = 1.0
JOB_SECONDS = 60
FAILURE_KEPT_SECONDS = 24 * 3600


def sweep(database: Database, queue: Queue) -> int:
    """Lease one chunk of due events and enqueue one job for it; return how many events it holds.

    The queue server is asked before anything is leased, so that an outage leaves the events due.

    Raises:
        RedisError: the queue server does not answer.
        DatabaseUnavailable: the database does not answer.
    """
    if queue.count >= WAITING_MAX:
        return 0
    lease_id = uuid4()
    count = run(database, lambda session: outbox.lease(session, lease_id=lease_id, count=CHUNK))
    if count:
        queue.enqueue_call(
            deliver.deliver,
            args=(str(lease_id),),
            timeout=JOB_SECONDS,
            result_ttl=0,
            failure_ttl=FAILURE_KEPT_SECONDS,
            description=f"deliver {count} events",
        )
    return count


def repeat(step: Callable[[], float], *, stop: Event, name: str) -> None:
    """Call ``step`` until told to stop, waiting as many seconds as it says each time.

    An outage of an engine is logged when it begins and when it ends, and tried again every second.
    """
    is_down = False
    while not stop.is_set():
        try:
            seconds = step()
        except (RedisError, Unavailable) as error:
            if not is_down:
                log.warning("outage_began", loop=name, error=type(error).__name__)
            is_down, seconds = True, BACK_OFF_SECONDS
        except Exception:
            log.exception("loop_failed", loop=name)
            seconds = BACK_OFF_SECONDS
        else:
            if is_down:
                log.warning("outage_ended", loop=name)
            is_down = False
        stop.wait(seconds)
