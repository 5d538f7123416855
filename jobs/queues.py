"""Queues, named by how soon their work must begin.

Nothing is only here: what must not be lost lies in the outbox, a job is the wake-up.
"""

from collections.abc import Callable, Sequence

from redis import Redis
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

URGENT = "urgent"
"""Somebody is waiting for it: events of the outbox, messages."""
DEFAULT = "default"
"""Within minutes: periodic upkeep."""
NIGHTLY = "nightly"
"""Until the morning: whatever runs long."""
QUEUES = (URGENT, DEFAULT, NIGHTLY)
"""In the order in which a worker looks."""
FAILURE_KEPT_SECONDS = 60
"""A failed job holds its id for so long, and with it the next try."""


def enqueue_once(
    queue: Queue, function: Callable[..., None], *, args: Sequence[object], job_id: str, timeout: int
) -> bool:
    """Let a job wait in a queue unless it waits or runs already under this id; tell whether it was put there."""
    try:
        queue.enqueue_call(
            function,
            args=tuple(args),
            timeout=timeout,
            result_ttl=0,
            failure_ttl=FAILURE_KEPT_SECONDS,
            job_id=job_id,
            unique=True,
            description=job_id,
        )
    except DuplicateJobError:
        return False
    return True


def queue(name: str, *, connection: Redis) -> Queue:
    """Return one of our queues; its jobs are JSON, never pickles."""
    return Queue(name, connection=connection, serializer=JSONSerializer)
