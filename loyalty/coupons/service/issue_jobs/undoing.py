"""Undoing a job (整批撤回): coupons that can still be used are voided, and every limit gets back what they took.

What was used, is locked for an order, or has lapsed stays as it is and is reported. Messages are not unsent.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponIssueRow
from loyalty.coupons.queries.issue_jobs import IssueJobView, get_job, with_coupons
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.issue_jobs import IssueJobState, Kept, job_id_of, kept_because
from loyalty.coupons.rules.states import CouponState, standing
from loyalty.coupons.service.issue_jobs.life import move
from loyalty.coupons.service.issue_jobs.pages import end_of_page, issued_until
from loyalty.coupons.service.issue_jobs.reasons import write_kept
from loyalty.coupons.service.voiding_many import HELD, give_back_limits, hold_coupons, void_unused
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.database import AnyRow
from loyalty.members.models import Member

PAGE_ROWS = 1_000
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What undoing would find at this moment."""

    left: int
    """How many would be voided."""
    kept: Mapping[Kept, int]
    """How many would stay as they are, and why."""


def preview_undo(session: Session, *, job_id: int, at: datetime) -> UndoPreview:
    """Tell how many coupons of a job could be taken back."""
    is_bound, is_over = (func.coalesce(Coupon.locked_until_at > at, False), Coupon.expires_at <= at)
    counted = select(
        Coupon.state, is_bound.label("is_bound"), is_over.label("is_over"), func.count().label("coupons_count")
    )
    until = issued_until(session, job_id=job_id)
    groups = with_coupons(counted, job_id=job_id, until=until).group_by(Coupon.state, is_bound, is_over)
    found: Counter[Kept | None] = Counter()
    for row in session.execute(groups):
        stands = standing(
            state=CouponState(row.state),
            usable_at=at,
            expires_at=at if row.is_over else at + _MOMENT,
            locked_until_at=at + _MOMENT if row.is_bound else None,
            at=at,
        )
        found[kept_because(stands)] += row.coupons_count
    return UndoPreview(found.pop(None, 0), {kept: found[kept] for kept in Kept if found[kept]})


def undo_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Take back the next coupons of a job; of those that stay it is kept why."""
    job = get_job(session, job_id=job_id_of(run.subject))
    until = issued_until(session, job_id=job.id)
    last, rows = end_of_page(session, job_id=job.id, after=run.cursor, until=until, limit=PAGE_ROWS)
    coupons = _hold_coupons(session, job, run.cursor, last, until)
    kept = void_unused(session, coupons=coupons, at=at)
    voided = [one for one in coupons if one.id not in kept]
    give_back_limits(
        session,
        coupons=voided,
        template_id=job.template_id,
        terms=job.terms,
        stock=get_template(session, template_id=job.template_id).stock,
        store_id=job.store_id,
        zone=zone,
    )
    reasons = {one.row_id: kept[one.id] for one in coupons if one.id in kept}
    write_kept(session, job_id=job.id, reasons=reasons)
    is_last = rows < PAGE_ROWS
    if is_last:
        move(session, job_id=job.id, to=IssueJobState.UNDONE)
    figures = {"undone": len(voided), **Counter(why.value for why in kept.values())}
    return PageDone(cursor=last, rows=rows, is_last=is_last, figures=figures)


def _hold_coupons(session: Session, job: IssueJobView, after: int, last: int, until: int) -> Sequence[AnyRow]:
    """Hold the coupons of some rows, as they are now, each with its row."""
    found = select(*HELD, CouponIssueRow.member_id.label("row_id"))
    of_page = with_coupons(found, job_id=job.id, until=until).where(Member.id > after, Member.id <= last)
    return hold_coupons(session, of_page)
