"""Waiting (稍后再试): how long callers are told to wait, spread so that they do not all come back at once."""

from secrets import randbelow

RETRY_AFTER_SECONDS = 5


def retry_after(least_seconds: int) -> int:
    """Return how many seconds to wait: the least, and up to as many again by chance."""
    return least_seconds + randbelow(least_seconds + 1)
