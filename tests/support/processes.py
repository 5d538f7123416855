"""Processes that race: each has connections of its own, as on a server of its own, and all start at the same moment."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

Order = TypeVar("Order")
Result = TypeVar("Result")
START_SECONDS = 100.0
"""For all of them to come up, on a machine with few cores."""
_gates: list[Barrier] = []


class Crowd:
    """Processes that wait for one another before each round."""

    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self._pool, self._count = pool, count

    def at_once(self, work: Callable[[Order], Result], orders: Sequence[Order]) -> list[Result]:
        """Let each process do ``work`` with an order of its own; return what each returned."""
        assert len(orders) == self._count
        return list(self._pool.map(_released, [work] * self._count, orders))


@contextmanager
def crowd(count: int, *, begin: Callable[..., None] | None = None, given: Sequence[Any] = ()) -> Iterator[Crowd]:
    """Start processes, each of which calls ``begin`` with what is given to all; they end with the block."""
    context = fresh_processes()
    initial = (context.Barrier(count), begin, *given)
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=initial) as pool:
        yield Crowd(pool, count)


def fresh_processes() -> ForkServerContext:
    """Return how to start processes that share nothing with this one; what takes long to import is imported once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["app"])
    return context


def _begin(gate: Barrier, begin: Callable[..., None] | None, *given: Any) -> None:
    _gates[:] = [gate]
    if begin is not None:
        begin(*given)


def _released(work: Callable[[Order], Result], order: Order) -> Result:
    """Wait for all others; since each process waits here, each takes one order."""
    _gates[0].wait(START_SECONDS)
    return work(order)
