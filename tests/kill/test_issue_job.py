"""Killing the worker of coupons for many, again and again: the end is the same as if nobody had."""

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
from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.rules.issue_jobs import IssueJobState, Work, subject_of
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.coupons.service import issue_jobs as service
from loyalty.coupons.service.issue_jobs import issuing, undoing
from loyalty.kernel import bulk
from loyalty.kernel.database import Database, connect
from loyalty.kernel.transaction import run
from tests.factories.coupons import make_template, terms_of
from tests.factories.issue_jobs import CHECKER, MAKER, approve
from tests.factories.points import AT
from tests.support import engines
from tests.support.containers import null_container
from tests.support.processes import fresh_processes
from tests.support.proof import size
from trial.processes import wait_until

pytestmark = pytest.mark.kill

ROWS = size(reduced=2_000, full=100_000)
KILLS = size(reduced=1, full=10)
PAGE_ROWS = size(reduced=200, full=2_000)
_WORKER = f"issue-job-{os.getpid()}"
_MEMBERS = text(
    "INSERT INTO members (number, status, enrolled_at, last_active_at)"
    " SELECT 'I' || :mark || n, 'active', :at, :at FROM generate_series(1, :rows) n RETURNING id"
)
_JOB = text(
    "INSERT INTO coupon_issue_jobs (title, template_id, revision_id, state, total, created_by, created_at)"
    " SELECT 'kill', id, revision_id, 'checked', :rows, :by, :at FROM coupon_templates WHERE id = :id RETURNING id"
)
_ROWS = text("INSERT INTO coupon_issue_rows (job_id, member_id) SELECT :job_id, unnest(cast(:ids AS bigint[]))")
_HOLD = text("SELECT FROM coupon_issue_jobs WHERE id = :id FOR NO KEY UPDATE")
_WORKING = text(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{_WORKER}'")
_UNHELD = text("DELETE FROM leases WHERE name LIKE 'bulk:%'")
_COUPONS = text("SELECT state, count(*), count(DISTINCT member_id) FROM coupons WHERE template_id = :id GROUP BY 1")
_COUNTED = text(
    "SELECT entity = 'all', sum(used) FROM limit_counters WHERE subject = 'coupon_template:' || :id"
    " GROUP BY 1 ORDER BY 1"
)


def _approved_job(database: Database) -> tuple[int, int]:
    """Return a template and a job of it that waits to issue."""

    def make(session: Session) -> tuple[int, int]:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)), stock=ROWS)
        ids = list(session.scalars(_MEMBERS, {"rows": ROWS, "at": AT, "mark": os.getpid()}))
        values = {"id": template_id, "rows": ROWS, "by": MAKER.name, "at": AT}
        job_id = session.execute(_JOB, values).scalar_one()
        session.execute(_ROWS, {"job_id": job_id, "ids": ids})
        approve(session, job_id)
        return template_id, int(job_id)

    return run(database, make)


def _run(database: Database, job_id: int, work: Work) -> bulk.BulkRun:
    def find(session: Session) -> bulk.BulkRun:
        found = bulk.find_run(session, kind=work, subject=subject_of(job_id))
        assert found is not None
        return found

    return run(database, find)


@contextmanager
def _kept_open(database: Database, job_id: int) -> Iterator[None]:
    """Let nobody close the job meanwhile: however quick a worker is, it is at work when it is killed."""
    with database.engine.begin() as connection:
        connection.execute(_HOLD, {"id": job_id})
        yield


def _nobody_works(database: Database) -> bool:
    return bool(run(database, lambda session: session.scalar(_WORKING)) == 0)


def _perform(url: str, redis_url: str, run_id: int) -> None:
    """What a worker does, in a process of its own."""
    issuing.PAGE_ROWS = undoing.PAGE_ROWS = PAGE_ROWS
    context.use(null_container(connect(url), redis_url=redis_url, at=AT))
    while run(context.container().database, lambda session: bulk.get_run(session, run_id=run_id)).state == "running":
        bulk_jobs.perform(run_id)


def _work_with_kills(database: Database, url: str, redis_url: str, job_id: int, work: Work) -> None:
    random, processes = Random(7), fresh_processes()
    stops = sorted(random.randrange(1, ROWS - 2 * PAGE_ROWS) for _ in range(KILLS))
    run_id = _run(database, job_id, work).id

    def start() -> ForkServerProcess:
        # A dead worker's lease runs out by itself; the test need not wait for that, but for what it had sent.
        assert wait_until(partial(_nobody_works, database), within_seconds=20)
        run(database, lambda session: session.execute(_UNHELD))
        worker = processes.Process(target=_perform, args=(url, redis_url, run_id))
        worker.start()
        return worker

    for stop in stops:
        enough = min(ROWS - PAGE_ROWS, max(stop, _run(database, job_id, work).done + 1))
        with _kept_open(database, job_id):
            worker = start()
            assert wait_until(lambda: _run(database, job_id, work).done >= enough, within_seconds=60)  # noqa: B023
            worker.kill()
            worker.join(10)
        assert worker.exitcode == -signal.SIGKILL
    last = start()
    last.join(100)
    assert last.exitcode == 0


def test_coupons_for_many_whose_worker_is_killed_end_as_if_undisturbed(
    committed_database: Database, committed_address: engines.Address, redis_url: str
) -> None:
    template_id, job_id = _approved_job(committed_database)
    named = make_url(committed_address.url).update_query_dict({"application_name": _WORKER})
    url = named.render_as_string(hide_password=False)

    def found(statement: object) -> list[tuple[object, ...]]:
        rows = run(committed_database, lambda session: session.execute(statement, {"id": template_id}).all())  # type: ignore[call-overload]
        return [tuple(row) for row in rows]

    _work_with_kills(committed_database, url, redis_url, job_id, Work.ISSUE)
    issued = _run(committed_database, job_id, Work.ISSUE)
    assert (issued.done, issued.figures) == (ROWS, {"issued": ROWS})
    assert (found(_COUPONS), found(_COUNTED)) == ([("issued", ROWS, ROWS)], [(False, ROWS), (True, ROWS)])

    run(committed_database, lambda session: service.undo(session, job_id=job_id, actor=CHECKER, at=AT))
    _work_with_kills(committed_database, url, redis_url, job_id, Work.UNDO)

    undone = _run(committed_database, job_id, Work.UNDO)
    assert (undone.done, undone.figures) == (ROWS, {"undone": ROWS})
    assert (found(_COUPONS), found(_COUNTED)) == ([("voided", ROWS, ROWS)], [(False, 0), (True, 0)])
    job = run(committed_database, lambda session: queries.get_job(session, job_id=job_id))
    assert job.state == IssueJobState.UNDONE
