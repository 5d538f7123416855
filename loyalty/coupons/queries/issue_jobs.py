"""Reads of issue jobs (批量发券): with their progress, the lines that were refused, and what became of each member."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, any_, case, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, aliased

from loyalty.approvals import queries as approvals
from loyalty.approvals.rules import ApprovalKind, ApprovalView
from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponIssueJob, CouponIssueProblem, CouponIssueRow, CouponTemplateRevision
from loyalty.coupons.rules.issue_jobs import (
    UNDER_WAY,
    BadIssueLine,
    IssueJobNotFound,
    IssueJobState,
    Kept,
    Skip,
    Work,
    issue_reference,
    subject_of,
)
from loyalty.coupons.rules.terms import Terms
from loyalty.kernel import bulk
from loyalty.kernel.bulk import Progress
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member

_S = IssueJobState
_WORK_OF = {**UNDER_WAY, _S.ISSUED: Work.ISSUE, _S.STOPPED: Work.ISSUE, _S.UNDONE: Work.UNDO}


@dataclass(frozen=True, slots=True)
class IssueJobView:
    """A job as the console shows it."""

    id: int
    title: str
    template_id: int
    revision_id: int
    terms: Terms
    store_id: int | None
    tag_id: int | None
    state: IssueJobState
    fault: str | None
    total: int
    bad_rows: int
    created_by: str
    created_at: datetime
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssueProblem:
    """A line that was refused."""

    line: int
    reason: BadIssueLine
    first_line: int | None = None
    """The line that names the same member."""


@dataclass(frozen=True, slots=True)
class IssueOutcome:
    """A member who got none, or whose coupon was not taken back."""

    member_id: int
    member_number: str
    line: int | None
    skipped: Skip | None
    kept: Kept | None


def get_job(session: Session, *, job_id: int) -> IssueJobView:
    """Return a job.

    Raises:
        IssueJobNotFound: there is no such job.
    """
    row = session.execute(_jobs().where(CouponIssueJob.id == job_id)).one_or_none()
    if row is None:
        raise IssueJobNotFound(job_id=job_id)
    return _view(row)


def list_jobs(
    session: Session,
    *,
    title: str = "",
    state: IssueJobState | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[IssueJobView]:
    """Return a page of jobs, newest first; ``title`` is a part of the job's.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    query = _jobs().order_by(CouponIssueJob.id.desc()).limit(limit + 1)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(CouponIssueJob.id < last_id)
    if title:
        query = query.where(CouponIssueJob.title.icontains(title, autoescape=True))
    if state is not None:
        query = query.where(CouponIssueJob.state == state)
    return page_of([_view(row) for row in session.execute(query)], limit=limit, id_of=lambda job: job.id)


def find_progress(session: Session, *, job: IssueJobView) -> Progress | None:
    """Return how far the work that belongs to a job's state has come; before the approval, that is the check."""
    work = _WORK_OF.get(job.state, check_of(job))
    return bulk.find_progress(session, kind=work, subject=subject_of(job.id))


def find_check(session: Session, *, job: IssueJobView) -> Progress | None:
    """Return what the check of a job found (试算)."""
    return bulk.find_progress(session, kind=check_of(job), subject=subject_of(job.id))


def find_issuing(session: Session, *, job_id: int) -> Progress | None:
    """Return how far the coupons of a job have been issued."""
    return bulk.find_progress(session, kind=Work.ISSUE, subject=subject_of(job_id))


def find_telling(session: Session, *, job_id: int) -> Progress | None:
    """Return how far the members of a job have been told."""
    return bulk.find_progress(session, kind=Work.TELL, subject=subject_of(job_id))


def find_approval(session: Session, *, job_id: int) -> ApprovalView | None:
    """Return the request for approval of a job."""
    return approvals.find_latest(session, kind=ApprovalKind.COUPON_ISSUE, subject=subject_of(job_id))


def check_of(job: IssueJobView) -> Work:
    """Return the kind of work that checks a job."""
    return Work.CHECK if job.tag_id is None else Work.CHECK_TAG


def list_problems(session: Session, *, job_id: int, after_line: int = 0, limit: int = 100) -> Sequence[IssueProblem]:
    """Return lines that were refused, in the order of the file; ``after_line`` is the cursor."""
    row = CouponIssueProblem
    query = select(row.line, row.reason, row.first_line).where(row.job_id == job_id, row.line > after_line)
    rows = session.execute(query.order_by(row.line).limit(limit))
    return [IssueProblem(line, BadIssueLine(reason), first_line) for line, reason, first_line in rows]


def list_outcomes(
    session: Session, *, job_id: int, after_member_id: int = 0, limit: int = 100
) -> Sequence[IssueOutcome]:
    """Return who got none, and whose coupon stayed when the job was undone; ``after_member_id`` is the cursor."""
    row = CouponIssueRow
    query = (
        select(row.member_id, Member.number, row.line, row.skipped, row.kept)
        .join(Member, Member.id == row.member_id)
        .where(row.job_id == job_id, row.member_id > after_member_id)
        .where(or_(row.skipped.is_not(None), row.kept.is_not(None)))
    )
    return [
        IssueOutcome(
            member_id, number, line, None if skipped is None else Skip(skipped), None if kept is None else Kept(kept)
        )
        for member_id, number, line, skipped, kept in session.execute(query.order_by(row.member_id).limit(limit))
    ]


def with_coupons(query: Any, *, job_id: int, until: int) -> Any:
    """Let a query select from the rows of a job up to a member, and the coupon that each got.

    Of a member who was merged since, the coupon is still theirs; of one who was merged before the coupon was issued it
    is that of whoever they had become by then, unless that one has a row of his own.
    """
    row, family, other = CouponIssueRow, aliased(Member), aliased(CouponIssueRow)
    survived_by = or_(family.id == Member.merged_into_id, family.merged_into_id == Member.merged_into_id)
    family_ids = func.array(select(family.id).where(survived_by).scalar_subquery())
    is_anothers = exists().where(
        other.job_id == job_id,
        other.member_id == Coupon.member_id,
        other.member_id <= until,
        other.skipped.is_(None),
    )
    is_coupon = and_(
        Coupon.member_id == any_(case((Member.merged_into_id.is_(None), array([Member.id])), else_=family_ids)),
        Coupon.reference == issue_reference(job_id),
        or_(Coupon.member_id == row.member_id, ~is_anothers),
    )
    return (
        query.select_from(row)
        .join(Member, Member.id == row.member_id)
        .join(Coupon, is_coupon)
        .where(row.job_id == job_id, row.member_id <= until, row.skipped.is_(None))
    )


def _jobs() -> Any:
    job = CouponIssueJob
    return select(
        *(job.id, job.title, job.template_id, job.revision_id, cast(CouponTemplateRevision.terms, Text).label("terms")),
        *(job.store_id, job.tag_id, job.state, job.fault, job.total, job.bad_rows),
        *(job.created_by, job.created_at, job.checked_at),
    ).join(CouponTemplateRevision, CouponTemplateRevision.id == job.revision_id)


def _view(row: AnyRow) -> IssueJobView:
    return IssueJobView(
        id=row.id,
        title=row.title,
        template_id=row.template_id,
        revision_id=row.revision_id,
        terms=read_terms(row.terms),
        store_id=row.store_id,
        tag_id=row.tag_id,
        state=IssueJobState(row.state),
        fault=row.fault,
        total=row.total,
        bad_rows=row.bad_rows,
        created_by=row.created_by,
        created_at=row.created_at,
        checked_at=row.checked_at,
    )
