"""The Redis-protocol server: tokens, rate limits and queues; never the only copy of anything.

It answers at once or counts as down: the library's own retries with back-off would hold a request
for many seconds, and every caller has something to fall back on.
"""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["Redis", "connect"]

_CONNECT_SECONDS, _ANSWER_SECONDS = 1.0, 2.0


def connect(url: str) -> Redis:
    """Make a client with a pool of its own; a connection that broke is opened anew once."""
    return Redis.from_url(
        url,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), retries=1),
    )
