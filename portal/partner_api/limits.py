"""Rate limits: so many requests a minute as the key may send, counted in Redis, of which a process draws shares.

A share is a hundredth of what the key may send, so that most requests need not ask. Without Redis each process counts
for itself, so that an outage loosens the limit but never stops a till.
"""

import math
import time
from dataclasses import dataclass, replace
from threading import Lock
from typing import cast

import structlog
from flask import Blueprint, Flask, Response, current_app, g
from redis.exceptions import RedisError
from werkzeug.exceptions import TooManyRequests

from loyalty.container import Container
from loyalty.gateways.redis import Redis
from portal.partner_api.auth import caller

WINDOW_SECONDS = 60
SHARES = 100
REDIS_AGAIN_SECONDS = 5.0
"""How long an outage is taken for granted: asking would hold each request until it times out."""
_DRAW = """
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return {count, redis.call('TTL', KEYS[1])}
"""
log = structlog.get_logger("partner_api")


@dataclass(frozen=True, slots=True)
class Window:
    """What a process knows of a key's minute, which began with its first request."""

    ends_at: float
    drawn: int = 0
    """By all processes, as this one last heard."""
    left: int = 0
    """Of the share that this process has drawn."""

    @property
    def seconds_left(self) -> int:
        """How long the minute lasts, at least a second."""
        return max(1, math.ceil(self.ends_at - time.monotonic()))


class Counter:
    """Counts the requests of each key; one thread at a time, so that no share is drawn or given out twice."""

    def __init__(self, redis: Redis) -> None:
        self._draw_from_redis = redis.register_script(_DRAW)
        self._windows: dict[str, Window] = {}
        self._redis_again_at = 0.0
        self._one_at_a_time = Lock()

    def count(self, key_id: str, limit: int) -> Window:
        """Count a request; return its window, of which less than nothing is left if it is one too many."""
        with self._one_at_a_time:
            now = time.monotonic()
            window = self._windows.get(key_id)
            if window is None or window.ends_at <= now:
                window = Window(now + WINDOW_SECONDS)
            if window.left <= 0:
                window = self._with_share(key_id, window, limit, now)
            window = self._windows[key_id] = replace(window, left=window.left - 1)
            return window

    def _with_share(self, key_id: str, window: Window, limit: int, now: float) -> Window:
        share = max(1, limit // SHARES)
        drawn, seconds = window.drawn + share, window.ends_at - now
        if now >= self._redis_again_at:
            try:
                drawn, seconds = self._draw_from_redis(keys=[f"partner:rate:{key_id}"], args=[share, WINDOW_SECONDS])
            except RedisError:
                log.warning("rate_limits_counted_here")
                self._redis_again_at = now + REDIS_AGAIN_SECONDS
        return Window(now + seconds, drawn, share - max(0, drawn - limit))


def prepare(app: Flask) -> None:
    """Make the counter of an application."""
    app.extensions["partner_requests"] = Counter(cast(Container, app.extensions["container"]).redis)


def install(blueprint: Blueprint) -> None:
    """Limit the requests to a blueprint; after its guard, so that only those of a proved key count against it."""
    blueprint.before_request(_count)
    blueprint.after_request(_tell)


def _count() -> None:
    counter = cast(Counter, current_app.extensions["partner_requests"])
    window = g.partner_window = counter.count(caller().key_id, caller().requests_per_minute)
    if window.left < 0:
        raise TooManyRequests


def _tell(response: Response) -> Response:
    window: Window | None = g.get("partner_window")
    if window is None:  # nobody's request
        return response
    limit, wait = caller().requests_per_minute, response.headers.get("Retry-After", 0, type=int)
    remaining = max(0, limit - window.drawn) + max(0, window.left)
    response.headers["X-RateLimit-Limit"] = str(limit)
    response.headers["X-RateLimit-Remaining"] = str(remaining)
    response.headers["X-RateLimit-Reset"] = str(int(time.time()) + window.seconds_left)
    response.headers["Retry-After"] = str(max(wait, window.seconds_left))
    return response
