"""Coupons for many (批量发券) for the bench: a job through its own services, and one statement that writes its rows."""

from datetime import UTC, datetime

import psycopg
from sqlalchemy.orm import Session

from benchmarks.failures import BenchFailed
from benchmarks.pgbench import SCRIPTS
from benchmarks.stand import Shop
from jobs import coupon_issues
from loyalty.container import Container
from loyalty.coupons.rules.issue_jobs import Work, subject_of
from loyalty.coupons.rules.terms import CashOff, DaysFromIssue, Terms
from loyalty.coupons.service import issue_jobs as service
from loyalty.coupons.service.templates import create_template, publish
from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun
from loyalty.kernel.transaction import run
from loyalty.tags.service import create_tag

_MAKER, _CHECKER = Actor("staff:1"), Actor("staff:2")
_TAG_EVERYBODY = "INSERT INTO member_tags (tag_id, member_id, tagged_at, tagged_by) SELECT %s, id, %s, %s FROM members"
PLAIN, COUNTED = ((SCRIPTS / name).read_text() for name in ("issue_bulk.sql", "issue_bulk_counted.sql"))


def approved_job(container: Container) -> int:
    """Return a job that names every member of a shop by a tag, checked and approved; a member gets one coupon."""
    at = datetime.now(UTC)

    def make(session: Session) -> int:
        terms = Terms(title="满 100 减 20", worth=CashOff(2_000), threshold_fen=10_000, validity=DaysFromIssue(30))
        template_id = create_template(session, terms=terms, stock=100_000_000, actor=_MAKER, at=at)
        publish(session, template_id=template_id, actor=_MAKER, at=at)
        tag_id = create_tag(session, name="全部", actor=_MAKER, at=at)
        session.connection().exec_driver_sql(_TAG_EVERYBODY, (tag_id, at, _MAKER.name))
        return service.create_for_tag(
            session, title="发券", template_id=template_id, store_id=None, tag_id=tag_id, actor=_MAKER, at=at
        )

    job_id = run(container.database, make)
    _work(container, job_id, Work.CHECK_TAG)
    run(container.database, lambda session: service.submit(session, job_id=job_id, actor=_MAKER, at=at))
    run(
        container.database,
        lambda session: service.decide(session, job_id=job_id, is_approved=True, actor=_CHECKER, at=at),
    )
    return job_id


def issue_job(container: Container, job_id: int) -> None:
    """Issue a job page by page, as a worker does."""
    _work(container, job_id, Work.ISSUE)


def issue_by_statement(statement: str, container: Container, job_id: int) -> None:
    """Write the coupons and the counters that a job would in one statement, and nothing of how it goes about it."""
    with container.database.engine.begin() as connection:
        connection.exec_driver_sql(statement, {"job_id": job_id, "at": datetime.now(UTC)})


def require_counted(shop: Shop, count: int) -> None:
    """See that the stock and the members' own limits say what was issued.

    Raises:
        BenchFailed: they do not.
    """
    sums = "SELECT sum(used) FROM limit_counters WHERE subject ^@ 'coupon_template:' AND entity"
    with psycopg.connect(shop.conninfo) as connection:
        for which in ("= 'all'", "<> 'all'"):
            row = connection.execute(f"{sums} {which}").fetchone()
            if row != (count,):
                raise BenchFailed(f"{count} coupons were issued, but the counters of entities {which} say {row}")


def _work(container: Container, job_id: int, work: Work) -> None:
    at = datetime.now(UTC)
    steps = {Work.CHECK_TAG: coupon_issues.check_tag, Work.ISSUE: coupon_issues.issue}[work]

    def find(session: Session) -> BulkRun:
        found = bulk.find_run(session, kind=work, subject=subject_of(job_id))
        assert found is not None
        return found

    started = run(container.database, find)
    pages = steps(container, started)

    def do_page(session: Session) -> bool:
        return bulk.work_page(session, run_id=started.id, page=next(pages), at=at)

    while run(container.database, do_page):
        pass
