"""Killing the worker of a batch, again and again: the end is the same as if nobody had."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import ForkServerProcess
from random import Random

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from jobs import bulk as bulk_jobs
from jobs import context
from loyalty.adjustments import queries, service
from loyalty.adjustments.rules.batches import BatchState, Work, subject_of
from loyalty.kernel import bulk
from loyalty.kernel.database import Database, connect
from loyalty.kernel.transaction import run
from loyalty.points import service as points
from tests.factories.adjustments import AT, CHECKER, MAKER
from tests.support import engines
from tests.support.containers import null_container
from tests.support.processes import fresh_processes
from tests.support.proof import size
from tests.support.settings import SEAL_KEY
from trial.processes import wait_until

pytestmark = pytest.mark.kill

ROWS = size(reduced=3_000, full=100_000)
KILLS = size(reduced=1, full=10)
PAGE_ROWS = size(reduced=200, full=2_000)

_MEMBERS = text(
    "INSERT INTO members (number, status, enrolled_at, last_active_at)"
    " SELECT 'K' || :mark || n, 'active', :at, :at FROM generate_series(1, :rows) n RETURNING id"
)
_BATCH = text(
    "INSERT INTO adjustment_batches (title, reason, state, credit_rows, credit_points, created_by, created_at)"
    " VALUES ('kill', 'gift', 'checked', :rows, :rows * 7, :by, :at) RETURNING id"
)
_ROWS = text(
    "INSERT INTO adjustment_rows (batch_id, line, member_id, points)"
    " SELECT :batch_id, row_number() OVER (ORDER BY id) + 1, id, 7 FROM unnest(cast(:ids AS bigint[])) AS id"
)

_HOLD = text("SELECT FROM adjustment_batches WHERE id = :id FOR NO KEY UPDATE")
_WORKER = f"bulk-{os.getpid()}"
_WORKING = text(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{_WORKER}'")
_UNHELD = text("DELETE FROM leases WHERE name LIKE 'bulk:%'")
_BALANCES = text(
    "SELECT balance, count(*) FROM points_accounts JOIN adjustment_rows USING (member_id)"
    " WHERE batch_id = :id GROUP BY balance"
)
_ENTRIES = text(
    "SELECT kind, count(*), sum(points) FROM ledger_entries WHERE reference LIKE :mark GROUP BY kind ORDER BY kind"
)


def _approved_batch(database: Database) -> int:
    def make(session: Session) -> int:
        values = {"rows": ROWS, "at": AT, "mark": os.getpid()}
        ids = list(session.scalars(_MEMBERS, values))
        batch_id = session.execute(_BATCH, {"rows": ROWS, "by": MAKER.name, "at": AT}).scalar_one()
        session.execute(_ROWS, {"batch_id": batch_id, "ids": ids})
        service.submit(session, batch_id=batch_id, actor=MAKER, at=AT)
        service.decide(session, batch_id=batch_id, is_approved=True, actor=CHECKER, at=AT)
        return int(batch_id)

    return run(database, make)


def _run(database: Database, batch_id: int, work: Work) -> bulk.BulkRun:
    def find(session: Session) -> bulk.BulkRun:
        found = bulk.find_run(session, kind=work, subject=subject_of(batch_id))
        assert found is not None
        return found

    return run(database, find)


def _has_done(database: Database, run_id: int, rows: int) -> bool:
    return run(database, lambda session: bulk.get_run(session, run_id=run_id)).done >= rows


@contextmanager
def _kept_open(database: Database, batch_id: int) -> Iterator[None]:
    """Let nobody close the batch meanwhile: however quick a worker is, it is at work when it is killed."""
    with database.engine.begin() as connection:
        connection.execute(_HOLD, {"id": batch_id})
        yield


def _nobody_works(database: Database) -> bool:
    return run(database, lambda session: session.scalar(_WORKING)) == 0


def _balances(database: Database, batch_id: int) -> dict[int, int]:
    """How many members of a batch have how many points."""
    rows = run(database, lambda session: session.execute(_BALANCES, {"id": batch_id}).all())
    return {balance: members_count for balance, members_count in rows}


def _perform(url: str, redis_url: str, run_id: int) -> None:
    """What a worker does, in a process of its own."""
    service.applying.PAGE_ROWS = service.undoing.PAGE_ROWS = PAGE_ROWS
    context.use(null_container(connect(url), redis_url=redis_url, at=AT))
    while run(context.container().database, lambda session: bulk.get_run(session, run_id=run_id)).state == "running":
        bulk_jobs.perform(run_id)


def _work_with_kills(database: Database, url: str, redis_url: str, batch_id: int, work: Work) -> None:
    random, processes = Random(11), fresh_processes()
    stops = sorted(random.randrange(1, ROWS - 2 * PAGE_ROWS) for _ in range(KILLS))
    run_id = _run(database, batch_id, work).id

    def start() -> ForkServerProcess:
        # A dead worker's lease runs out by itself; the test need not wait for that.
        run(database, lambda session: session.execute(_UNHELD))
        worker = processes.Process(target=_perform, args=(url, redis_url, run_id))
        worker.start()
        return worker

    for stop in stops:
        # What the one before had done by its end may be more than it was to do; each does a page at least, as long
        # as there is one before the last, which nobody ends.
        enough = min(ROWS - PAGE_ROWS, max(stop, _run(database, batch_id, work).done + 1))
        with _kept_open(database, batch_id):
            worker = start()
            is_far = wait_until(partial(_has_done, database, run_id, enough), within_seconds=60)
            assert is_far, f"{enough} rows are not done; the worker's exit code is {worker.exitcode}"
            worker.kill()
            worker.join(10)
        assert worker.exitcode == -signal.SIGKILL
        # It waits for the batch that was kept open, and would for the next time.
        assert wait_until(partial(_nobody_works, database), within_seconds=20)
    last = start()
    last.join(100)
    assert last.exitcode == 0


def test_a_batch_whose_worker_is_killed_ends_as_if_undisturbed(
    committed_database: Database, committed_address: engines.Address, redis_url: str
) -> None:
    batch_id = _approved_batch(committed_database)
    named = make_url(committed_address.url).update_query_dict({"application_name": _WORKER})
    url = named.render_as_string(hide_password=False)

    _work_with_kills(committed_database, url, redis_url, batch_id, Work.APPLY)
    applied, given = _run(committed_database, batch_id, Work.APPLY), _balances(committed_database, batch_id)
    run(committed_database, lambda session: service.undo(session, batch_id=batch_id, actor=CHECKER, at=AT))
    _work_with_kills(committed_database, url, redis_url, batch_id, Work.UNDO)

    assert (applied.done, applied.figures) == (ROWS, {"applied": ROWS, "credit_points": 7 * ROWS})
    undone = _run(committed_database, batch_id, Work.UNDO)
    assert (undone.done, undone.figures) == (ROWS, {"taken_back": 7 * ROWS})
    assert (given, _balances(committed_database, batch_id)) == ({7: ROWS}, {0: ROWS})
    batch = run(committed_database, lambda session: queries.get_batch(session, batch_id=batch_id))
    assert batch.state == BatchState.UNDONE
    mark = {"mark": f"adjustment%:{batch_id}:%"}
    entries = run(committed_database, lambda session: session.execute(_ENTRIES, mark).all())
    assert [tuple(row) for row in entries] == [("adjust", ROWS, 7 * ROWS), ("reverse", ROWS, -7 * ROWS)]
    proof = run(committed_database, lambda session: points.verify(session, seal_key=SEAL_KEY, at=AT))
    # Other tests of the same database seal days in an order of their own.
    assert [found for found in proof.discrepancies if found.table != "ledger_seals"] == []
