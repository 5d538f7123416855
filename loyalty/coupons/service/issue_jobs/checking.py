"""Checking a job (试算): every line finds its member or its reason, and who would get none is counted.

Nothing is issued, and nothing of the file is kept but ids.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Select, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.models import (
    ISSUE_FILE_CONTEXT,
    CouponIssueFile,
    CouponIssueJob,
    CouponIssueProblem,
    CouponIssueRow,
)
from loyalty.coupons.queries.issue_jobs import IssueJobView, IssueProblem, get_job
from loyalty.coupons.rules.issue_jobs import (
    BadIssueLine,
    IssueJobState,
    IssueLine,
    job_id_of,
    skip_by_own_limits,
)
from loyalty.coupons.rules.limiting import member_limits
from loyalty.coupons.service.issue_jobs.candidates import ROWS, list_named
from loyalty.coupons.service.issue_jobs.life import move
from loyalty.kernel import uploads
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.limits.rules import member_entity
from loyalty.limits.service import used_by_each
from loyalty.members.listed import found_by_lines, sent_lines
from loyalty.tags.queries import members_of_tag

TAG_PAGE_ROWS = 5_000


def write_file(session: Session, *, vault: Vault, job_id: int, into: IO[bytes]) -> None:
    """Write out the file that was uploaded for a job."""
    owner = CouponIssueFile.job_id
    uploads.write_out(session, owner=owner, owner_id=job_id, vault=vault, context=ISSUE_FILE_CONTEXT, into=into)


def check_lines(
    session: Session,
    *,
    vault: Vault,
    job_id: int,
    lines: Sequence[IssueLine],
    cursor: int,
    is_last: bool,
    zone: ZoneInfo,
    at: datetime,
) -> PageDone:
    """Check some lines of a file; after the last ones the job may be submitted."""
    good = [line for line in lines if line.bad is None]
    named, refused = _write_rows(session, vault, job_id, good)
    wrong = [IssueProblem(line.number, BadIssueLine(line.bad)) for line in lines if line.bad is not None]
    _write_problems(session, job_id, [*wrong, *refused])
    bad = len(wrong) + len(refused)
    figures = _reckon(session, job_id, named, zone, at)
    _close(session, job_id, len(named), bad, at if is_last else None)
    last = lines[-1].number if lines else cursor
    return PageDone(cursor=last, rows=len(lines), is_last=is_last, figures={"bad": bad, **figures})


def check_tag_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Name the next members who have the tag; after the last ones the job may be submitted."""
    job = get_job(session, job_id=job_id_of(run.subject))
    assert job.tag_id is not None, "it names who has a tag"
    bearers = members_of_tag(session, tag_id=job.tag_id, after_id=run.cursor, limit=TAG_PAGE_ROWS)
    session.execute(_NAME, {"given_job_id": job.id, "given_member_ids": list(bearers)})
    figures = _reckon(session, job.id, bearers, zone, at)
    is_last = len(bearers) < TAG_PAGE_ROWS
    _close(session, job.id, len(bearers), 0, at if is_last else None)
    return PageDone(cursor=bearers[-1] if bearers else run.cursor, rows=len(bearers), is_last=is_last, figures=figures)


def give_up_check(session: Session, *, job_id: int, fault: str, cursor: int, at: datetime) -> PageDone:
    """Close a job whose file as a whole cannot be read; of what was read before nothing is kept."""
    for table in (CouponIssueRow, CouponIssueProblem, CouponIssueFile):
        session.execute(delete(table).where(table.job_id == job_id).execution_options(synchronize_session=False))
    move(session, job_id=job_id, to=IssueJobState.UNREADABLE, fault=fault, checked_at=at, total=0, bad_rows=0)
    return PageDone(cursor=cursor, rows=0, is_last=True)


def _write_rows(
    session: Session, vault: Vault, job_id: int, lines: Sequence[IssueLine]
) -> tuple[Sequence[int], Sequence[IssueProblem]]:
    """Keep lines, each with its member; return the members, and the lines that were refused."""
    rows = session.execute(_WRITE, {"given_job_id": job_id, **sent_lines(vault, lines)}).all()
    named = [row.member_id for row in rows if row.is_written]
    refused = [row for row in rows if not row.is_written]
    first = _first_lines(session, job_id, [row.member_id for row in refused if row.member_id is not None])
    return named, [
        IssueProblem(row.line, BadIssueLine.WHO_UNKNOWN)
        if row.member_id is None
        else IssueProblem(row.line, BadIssueLine.DUPLICATE, first[row.member_id])
        for row in refused
    ]


def _first_lines(session: Session, job_id: int, member_ids: Sequence[int]) -> Mapping[int, int | None]:
    if not member_ids:
        return {}
    named = select(ROWS.c.member_id, ROWS.c.line).where(ROWS.c.job_id == job_id, ROWS.c.member_id.in_(member_ids))
    return {row.member_id: row.line for row in session.execute(named)}


def _write_problems(session: Session, job_id: int, problems: Sequence[IssueProblem]) -> None:
    if problems:
        rows = [
            {"job_id": job_id, "line": one.line, "reason": one.reason, "first_line": one.first_line} for one in problems
        ]
        session.execute(insert(CouponIssueProblem), rows)


def _reckon(
    session: Session, job_id: int, member_ids: Sequence[int], zone: ZoneInfo, at: datetime
) -> Mapping[str, int]:
    """Count who of some members would get a coupon at this moment, and why the others would not."""
    if not member_ids:
        return {}
    job = get_job(session, job_id=job_id)
    found = list_named(session, job=job, member_ids=member_ids, at=at)
    reasons = Counter(skip.value for skip in found.skipped.values())
    reasons.update(_at_their_limits(session, job, list(found.owners.values()), zone, at))
    return {"would_get": len(member_ids) - reasons.total(), **reasons}


def _at_their_limits(
    session: Session, job: IssueJobView, owner_ids: Sequence[int], zone: ZoneInfo, at: datetime
) -> Counter[str]:
    on = business_date(at, zone)
    # Those of any member have the periods and ceilings of everybody's.
    limits = member_limits(job.terms, template_id=job.template_id, member_id=0, on=on)
    used = used_by_each(session, limits=limits, entities=[member_entity(owner_id) for owner_id in owner_ids])
    skips = (skip_by_own_limits(limits, of_one) for of_one in used.values())
    return Counter(skip.value for skip in skips if skip is not None)


def _close(session: Session, job_id: int, named: int, bad: int, checked_at: datetime | None) -> None:
    """Add what a page found, and with the last page end the check."""
    job = CouponIssueJob
    session.execute(
        update(job)
        .where(job.id == job_id)
        .values(total=job.total + named, bad_rows=job.bad_rows + bad)
        .execution_options(synchronize_session=False)
    )
    if checked_at is not None:
        move(session, job_id=job_id, to=IssueJobState.CHECKED, checked_at=checked_at)
        session.execute(delete(CouponIssueFile).where(CouponIssueFile.job_id == job_id))


_JOB_ID = bindparam("given_job_id", type_=BigInteger)


def _write() -> Select[Any]:
    found = found_by_lines()
    known = select(_JOB_ID, found.c.member_id, found.c.line).where(found.c.member_id.is_not(None))
    written = (
        insert(ROWS)
        .from_select(["job_id", "member_id", "line"], known.order_by(found.c.line))
        .on_conflict_do_nothing()
        .returning(ROWS.c.line)
        .cte("written")
    )
    is_written = found.c.line.in_(select(written.c.line)).label("is_written")
    return select(found.c.line, found.c.member_id, is_written).order_by(found.c.line)


def _name() -> Any:
    bearers = func.unnest(bindparam("given_member_ids", type_=SentArray(BigInteger()))).column_valued("member_id")
    return insert(ROWS).from_select(["job_id", "member_id"], select(_JOB_ID, bearers)).on_conflict_do_nothing()


_WRITE, _NAME = _write(), _name()
