"""Killing the worker of coupons for many, again and again: the end is the same as if nobody had."""

import os

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.rules.issue_jobs import IssueJobState, Work, subject_of
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.coupons.service import issue_jobs as service
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from tests.factories.coupons import make_template, terms_of
from tests.factories.issue_jobs import CHECKER, MAKER, approve
from tests.factories.points import AT
from tests.kill.bulk_kills import BulkWork
from tests.support import engines
from tests.support.proof import size

pytestmark = pytest.mark.kill

ROWS = size(reduced=2_000, full=100_000)
PAGED = tuple(f"loyalty.coupons.service.issue_jobs.{name}" for name in ("issuing", "undoing"))
_MEMBERS = text(
    "INSERT INTO members (number, status, enrolled_at, last_active_at)"
    " SELECT 'I' || :mark || n, 'active', :at, :at FROM generate_series(1, :rows) n RETURNING id"
)
_JOB = text(
    "INSERT INTO coupon_issue_jobs (title, template_id, revision_id, state, total, created_by, created_at)"
    " SELECT 'kill', id, revision_id, 'checked', :rows, :by, :at FROM coupon_templates WHERE id = :id RETURNING id"
)
_ROWS = text("INSERT INTO coupon_issue_rows (job_id, member_id) SELECT :job_id, unnest(cast(:ids AS bigint[]))")
_CLOSING = text("SELECT FROM coupon_issue_jobs WHERE id = :id FOR NO KEY UPDATE")
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


def test_coupons_for_many_whose_worker_is_killed_end_as_if_undisturbed(
    committed_database: Database, committed_address: engines.Address, redis_url: str
) -> None:
    template_id, job_id = _approved_job(committed_database)
    work = BulkWork(
        committed_database, committed_address, redis_url, ROWS,
        subject=subject_of(job_id), last_needs=_CLOSING.bindparams(id=job_id), paged=PAGED,
    )  # fmt: skip

    def found(statement: object) -> list[tuple[object, ...]]:
        rows = run(committed_database, lambda session: session.execute(statement, {"id": template_id}).all())  # type: ignore[call-overload]
        return [tuple(row) for row in rows]

    issued = work.do_with_kills(Work.ISSUE)
    assert (issued.done, issued.figures) == (ROWS, {"issued": ROWS})
    assert (found(_COUPONS), found(_COUNTED)) == ([("issued", ROWS, ROWS)], [(False, ROWS), (True, ROWS)])

    run(committed_database, lambda session: service.undo(session, job_id=job_id, actor=CHECKER, at=AT))
    undone = work.do_with_kills(Work.UNDO)

    assert (undone.done, undone.figures) == (ROWS, {"undone": ROWS})
    assert (found(_COUPONS), found(_COUNTED)) == ([("voided", ROWS, ROWS)], [(False, 0), (True, 0)])
    job = run(committed_database, lambda session: queries.get_job(session, job_id=job_id))
    assert job.state == IssueJobState.UNDONE
