"""Killing the worker of a bulk run, again and again, at points of chance."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from os import getpid
from random import Random

from sqlalchemy import TextClause, make_url, text
from sqlalchemy.orm import Session

from jobs import bulk as bulk_jobs
from jobs import context
from loyalty.kernel import bulk
from loyalty.kernel.database import Database, connect
from loyalty.kernel.transaction import run
from tests.factories.points import AT
from tests.support import engines
from tests.support.containers import null_container
from tests.support.processes import fresh_processes
from tests.support.proof import size
from trial.processes import wait_until

KILLS = size(reduced=1, full=10)
PAGE_ROWS = size(reduced=200, full=2_000)
_WORKER = f"bulk-{getpid()}"
_WORKING = text(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{_WORKER}'")
_UNHELD = text("DELETE FROM leases WHERE name LIKE 'bulk:%'")


@dataclass(frozen=True)
class BulkWork:
    """Work in pages on so many rows of one thing, where it is done, and what its last page needs."""

    database: Database
    address: engines.Address
    redis_url: str
    rows: int
    subject: str
    last_needs: TextClause
    """Locks the row that whoever ends the work writes to."""
    paged: tuple[str, ...]
    """The modules that say how large a page is."""

    def find_run(self, kind: str) -> bulk.BulkRun:
        """Return how far a kind of this work has come."""

        def find(session: Session) -> bulk.BulkRun:
            found = bulk.find_run(session, kind=kind, subject=self.subject)
            assert found is not None
            return found

        return run(self.database, find)

    def do_with_kills(self, kind: str) -> bulk.BulkRun:
        """Let workers do it, each but the last of whom is killed on the way; return the run."""
        stops = sorted(Random(11).randrange(1, self.rows - 2 * PAGE_ROWS) for _ in range(KILLS))
        for stop in stops:
            # What the one before had done by its end may be more than it was to do; each does a page at least, as
            # long as there is one before the last, which nobody ends.
            self._kill_after(min(self.rows - PAGE_ROWS, max(stop, self.find_run(kind).done + 1)), kind)
        last = self._start(kind)
        last.join(100)
        assert last.exitcode == 0
        return self.find_run(kind)

    def _kill_after(self, enough: int, kind: str) -> None:
        with self._kept_open():
            worker = self._start(kind)
            is_far = wait_until(lambda: self.find_run(kind).done >= enough, within_seconds=60)
            assert is_far, f"{enough} rows are not done; the worker's exit code is {worker.exitcode}"
            worker.kill()
            worker.join(10)
        assert worker.exitcode == -signal.SIGKILL
        # It waits for what was kept open, and would for the next time.
        assert wait_until(self._nobody_works, within_seconds=20)

    @contextmanager
    def _kept_open(self) -> Iterator[None]:
        """Let nobody end the work meanwhile: however quick a worker is, it is at work when it is killed."""
        with self.database.engine.begin() as connection:
            connection.execute(self.last_needs)
            yield

    def _start(self, kind: str) -> ForkServerProcess:
        # A dead worker's lease runs out by itself; the test need not wait for that.
        run(self.database, lambda session: session.execute(_UNHELD))
        named = make_url(self.address.url).update_query_dict({"application_name": _WORKER})
        url = named.render_as_string(hide_password=False)
        arguments = (url, self.redis_url, self.paged, self.find_run(kind).id)
        worker = fresh_processes().Process(target=_perform, args=arguments)
        worker.start()
        return worker

    def _nobody_works(self) -> bool:
        return bool(run(self.database, lambda session: session.scalar(_WORKING)) == 0)


def _perform(url: str, redis_url: str, paged: tuple[str, ...], run_id: int) -> None:
    """What a worker does, in a process of its own."""
    for name in paged:
        vars(import_module(name))["PAGE_ROWS"] = PAGE_ROWS
    context.use(null_container(connect(url), redis_url=redis_url, at=AT))
    while run(context.container().database, lambda session: bulk.get_run(session, run_id=run_id)).state == "running":
        bulk_jobs.perform(run_id)
