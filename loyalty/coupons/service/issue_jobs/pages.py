"""Pages of what a job has issued: its rows in order, as far as issuing had come."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponIssueRow
from loyalty.coupons.rules.issue_jobs import Work, subject_of
from loyalty.kernel import bulk


def issued_until(session: Session, *, job_id: int) -> int:
    """Return the last member whom issuing has reached: not the last of the job where it was stopped on the way."""
    run = bulk.find_run(session, kind=Work.ISSUE, subject=subject_of(job_id))
    return 0 if run is None else run.cursor


def end_of_page(session: Session, *, job_id: int, after: int, until: int, limit: int) -> tuple[int, int]:
    """Return the last member of the next rows, and how many rows they are."""
    row = CouponIssueRow
    following = select(row.member_id).where(row.job_id == job_id, row.member_id > after, row.member_id <= until)
    page = following.order_by(row.member_id).limit(limit).subquery()
    last, count = session.execute(select(func.max(page.c.member_id), func.count()).select_from(page)).one()
    return last or after, count
