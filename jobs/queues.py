"""Queues, named by how soon their work must begin.

Nothing is only here: what must not be lost lies in the outbox, a job is the wake-up.
"""

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

URGENT = "urgent"
"""Somebody is waiting for it: events of the outbox, messages."""
DEFAULT = "default"
"""Within minutes: periodic upkeep."""
NIGHTLY = "nightly"
"""Until the morning: whatever runs long."""
QUEUES = (URGENT, DEFAULT, NIGHTLY)
"""In the order in which a worker looks."""


def queue(name: str, *, connection: Redis) -> Queue:
    """Return one of our queues; its jobs are JSON, never pickles."""
    return Queue(name, connection=connection, serializer=JSONSerializer)
