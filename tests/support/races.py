"""Races: calls that really start at the same moment, each in a thread of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from trial.processes import wait_until

Result = TypeVar("Result")
WAIT_SECONDS = 30.0
"""For the others to come, on a machine with few cores."""


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result | LoyaltyError]:
    """Release all calls by one barrier; return what each returned or how it was refused."""
    barrier = Barrier(len(calls))

    def start(call: Callable[[], Result]) -> Result | LoyaltyError:
        barrier.wait(timeout=WAIT_SECONDS)
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
            one_who_waits(session)
            return started

        return run(database, work).result(timeout=WAIT_SECONDS)


def one_who_waits(session: Session) -> int:
    """Return the server process of somebody who waits for this transaction, as soon as there is one."""
    pids: list[int] = []

    def has_come() -> bool:
        pids[:] = session.scalars(_WHO_WAITS)
        return bool(pids)

    assert wait_until(has_come, within_seconds=WAIT_SECONDS), "nobody came to wait for this transaction"
    return pids[0]


_WHO_WAITS = text("SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
