"""Races: calls that really start at the same moment, each in a thread of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run

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


def beside(database: Database, first: Callable[[Session], object], then: Callable[[Session], Result]) -> Result:
    """Start ``then`` when ``first`` is done but not committed, and commit once ``then`` waits for it."""
    with ThreadPoolExecutor(1) as pool:

        def work(session: Session) -> "Future[Result]":
            first(session)
            session.flush()
            started = pool.submit(run, database, then)
            _wait_until_one_waits(session)
            return started

        return run(database, work).result(timeout=20)


def _wait_until_one_waits(session: Session) -> None:
    pause = Event()
    for _try in range(1_000):
        if session.scalar(_WHO_WAITS):
            return
        pause.wait(0.01)
    raise AssertionError("nobody came to wait for this transaction")


_WHO_WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
