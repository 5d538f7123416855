"""Races: calls that really start at the same moment, each in a thread of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from loyalty.kernel.errors import LoyaltyError

Result = TypeVar("Result")


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result | LoyaltyError]:
    """Release all calls by one barrier; return what each returned or how it was refused."""
    barrier = Barrier(len(calls))

    def start(call: Callable[[], Result]) -> Result | LoyaltyError:
        barrier.wait(timeout=20)
        try:
            return call()
        except LoyaltyError as refusal:
            return refusal

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))
