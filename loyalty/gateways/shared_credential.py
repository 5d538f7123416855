"""A credential of the platform that all processes share over Redis, renewed by one of them at a time.

Used for access tokens and JS-SDK tickets. The life in Redis ends ``MARGIN_SECONDS`` before the
platform's own. Losing Redis costs a renewal by each process, never a call.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from redis import Redis
from redis.exceptions import RedisError
from redis.lock import Lock

MARGIN_SECONDS = 300
LIFE_SECONDS_MIN = 60
LOCK_SECONDS = 15
"""Longer than one renewal may take: connecting and waiting for the answer."""
_POLL_SECONDS = 0.05

log = structlog.get_logger("gateways")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the platform gave, and how long it said it is good."""

    value: str
    expires_in_seconds: int

    @property
    def life_seconds(self) -> int:
        """How long we use it."""
        return max(LIFE_SECONDS_MIN, self.expires_in_seconds - MARGIN_SECONDS)


class SharedCredential:
    """One credential, such as the access token of one account.

    ``fetch`` asks the platform; whatever it raises reaches the caller.
    """

    def __init__(self, redis: Redis, *, name: str, fetch: Callable[[], Fetched]) -> None:
        self._redis = redis
        self._name = name
        self._fetch = fetch
        self._own = _OwnCopy()

    def get(self) -> str:
        """Return the credential, renewing it when none is left."""
        try:
            return self._stored() or self._renewed(instead_of=None)
        except RedisError:
            return self._without_redis(instead_of=None)

    def renew(self, refused: str) -> str:
        """Return another credential than the one the platform refused.

        When somebody else has renewed it meanwhile, theirs is returned and nothing is fetched.
        """
        try:
            stored = self._stored()
            if stored and stored != refused:
                return stored
            return self._renewed(instead_of=refused)
        except RedisError:
            return self._without_redis(instead_of=refused)

    def _stored(self) -> str | None:
        value = self._redis.get(self._name)
        return value.decode() if isinstance(value, bytes) else value

    def _renewed(self, *, instead_of: str | None) -> str:
        lock = self._redis.lock(
            f"{self._name}:lock",
            timeout=LOCK_SECONDS,
            blocking_timeout=LOCK_SECONDS,
            sleep=_POLL_SECONDS,
        )
        is_held = lock.acquire()
        try:
            stored = self._stored()
            if stored and stored != instead_of:
                return stored
            # Without the lock its holder hangs; two renewals at once give the same stable token.
            return self._fetch_and_store()
        finally:
            if is_held:
                _release(lock)

    def _fetch_and_store(self) -> str:
        fetched = self._fetch()
        self._own.keep(fetched)
        self._redis.set(self._name, fetched.value, ex=fetched.life_seconds)
        return fetched.value

    def _without_redis(self, *, instead_of: str | None) -> str:
        log.warning("redis_unavailable", credential=self._name)
        with self._own.lock:
            kept = self._own.alive()
            if kept and kept != instead_of:
                return kept
            fetched = self._fetch()
            self._own.keep(fetched)
            return fetched.value


def _release(lock: Lock) -> None:
    with suppress(RedisError):  # it ran out by itself, or Redis is gone: the credential stands
        lock.release()


class _OwnCopy:
    """What this process fetched last, for the time without Redis."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._value: str | None = None
        self._until = 0.0

    def keep(self, fetched: Fetched) -> None:
        self._value = fetched.value
        self._until = time.monotonic() + fetched.life_seconds

    def alive(self) -> str | None:
        return self._value if time.monotonic() < self._until else None
