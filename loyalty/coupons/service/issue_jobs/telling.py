"""Telling the members of a job (券已到账): the notices of a page are one statement, however many have a coupon.

A coupon that is used, void or lapsed by then is not told of, nor is any once the job is being undone.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from loyalty.coupons.models import Coupon
from loyalty.coupons.queries.issue_jobs import get_job, with_coupons
from loyalty.coupons.rules.issue_jobs import IssueJobState, job_id_of
from loyalty.coupons.rules.sentences import told_on_arrival
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.service.issue_jobs.pages import end_of_page, issued_until
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.notices.service import NoticeRequest

PAGE_ROWS = 1_000


def tell_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Owe the next members of a job the news of their coupons, each once."""
    job = get_job(session, job_id=job_id_of(run.subject))
    if job.state in (IssueJobState.UNDOING, IssueJobState.UNDONE):
        return PageDone(cursor=run.cursor, rows=0, is_last=True)
    until = issued_until(session, job_id=job.id)
    last, rows = end_of_page(session, job_id=job.id, after=run.cursor, until=until, limit=PAGE_ROWS)
    owner = aliased(Member)
    found = select(Coupon.id, Coupon.expires_at, owner.id.label("owner_id"), owner.number)
    coupons = session.execute(
        with_coupons(found, job_id=job.id, until=until)
        .join(owner, owner.id == func.coalesce(Member.merged_into_id, Member.id))
        .where(Member.id > run.cursor, Member.id <= last)
        .where(Coupon.state == CouponState.ISSUED, Coupon.expires_at > at, owner.status.in_(LIVING))
    ).all()
    requests = [
        NoticeRequest(
            one.owner_id,
            f"coupon:{one.id}",
            {"member_number": one.number, **told_on_arrival(job.terms, expires_at=one.expires_at, zone=zone)},
        )
        for one in coupons
    ]
    made = notices.request_many(session, kind=NoticeKind.COUPON_ISSUED, requests=requests, zone=zone, at=at)
    return PageDone(cursor=last, rows=rows, is_last=rows < PAGE_ROWS, figures={"told": len(made)})
