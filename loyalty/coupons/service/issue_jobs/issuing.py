"""Issuing a job (批量发放): a page of members is one transaction and a handful of statements.

A page decides as the issue of a single coupon does: eligibility by what stands, then the members' own limits, and
the shared stock last, so that whatever is issued at the same time on other ways, all limits hold exactly. The job's
run is locked while a page lasts, so nobody else issues under its reference. No event is recorded for each coupon: the
members are told in pages too (``telling``).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.orm import Session

from loyalty.coupons.queries.issue_jobs import IssueJobView, get_job
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.issue_jobs import IssueJobState, Skip, issue_reference, job_id_of
from loyalty.coupons.rules.issuing import check_issuing
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.issue_jobs.candidates import hold_candidates
from loyalty.coupons.service.issue_jobs.life import move, start_telling
from loyalty.coupons.service.issue_jobs.reasons import write_skipped
from loyalty.coupons.service.issuing_many import COUPONS, CouponsForMany, Issue
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.limits.rules import Granted
from loyalty.limits.service import reserve_up_to

PAGE_ROWS = 5_000
"""Members wait for a page only when they claim the very coupon that it is giving them; the stock is held for a moment
at its end."""


def issue_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Give a coupon to the next members of a job; who gets none is kept with the reason.

    Raises:
        CouponNotIssuing: the template is paused or stopped.
        CouponPeriodOver: its fixed dates have passed.
        CouponHoursOver: within their period they could not be used any more.
    """
    job = get_job(session, job_id=job_id_of(run.subject))
    template = get_template(session, template_id=job.template_id)
    check_issuing(template.state, job.terms.claiming, IssuePath.BULK, at)
    page = _Page(session, job, template.stock, zone, at)
    found = hold_candidates(session, job=job, after=run.cursor, limit=PAGE_ROWS, at=at)
    skipped = {**found.skipped, **page.issue(found.owners)}
    write_skipped(session, job_id=job.id, reasons=skipped)
    figures = Counter({"issued": found.rows - len(skipped)}) + Counter(skip.value for skip in skipped.values())
    is_last = found.rows < PAGE_ROWS
    if is_last:
        move(session, job_id=job.id, to=IssueJobState.ISSUED)
        start_telling(session, job_id=job.id, total=run.figures.get("issued", 0) + figures["issued"], at=at)
    return PageDone(cursor=found.last_member_id, rows=found.rows, is_last=is_last, figures=figures)


class _Page:
    """What one page issues, and of which limits."""

    def __init__(self, session: Session, job: IssueJobView, stock: int | None, zone: ZoneInfo, at: datetime) -> None:
        self._session, self._job = session, job
        issue = Issue(
            template_id=job.template_id,
            revision_id=job.revision_id,
            terms=job.terms,
            stock=stock,
            path=IssuePath.BULK,
            store_id=job.store_id,
            actor=job.created_by,
        )
        self._coupons = CouponsForMany(session, issue, zone=zone, at=at)

    def issue(self, owners: Mapping[int, int]) -> Mapping[int, Skip]:
        """Issue to owners, given by the member of their row; return whom a limit refused."""
        sold_out = self._coupons.find_sold_out() if owners else None
        if sold_out is not None:
            return dict.fromkeys(owners, Skip(sold_out.name))
        refused = self._coupons.reserve_own(list(owners.values()))
        skipped = {one: Skip(refused[owner_id].name) for one, owner_id in owners.items() if owner_id in refused}
        wanted = [member_id for member_id in owners if member_id not in skipped] if skipped else list(owners)
        granted = self._issue_up_to([owners[member_id] for member_id in wanted])
        if granted.stopped_by is not None:
            late = wanted[granted.amount :]
            self._coupons.give_back_own([owners[member_id] for member_id in late])
            skipped |= dict.fromkeys(late, Skip(granted.stopped_by.name))
        return skipped

    def _issue_up_to(self, owner_ids: Sequence[int]) -> Granted:
        """Issue to as many as the stock allows, in their order.

        The hot counters are locked when all is written, so that others wait for a moment only; what was written for
        more than they allow goes before anybody has seen it.
        """
        if not owner_ids:
            return Granted(0)
        self._coupons.write(dict.fromkeys(owner_ids, issue_reference(self._job.id)))
        granted = reserve_up_to(self._session, limits=self._coupons.stock, amount=len(owner_ids))
        if granted.amount < len(owner_ids):
            late = COUPONS.c.member_id.in_(owner_ids[granted.amount :])
            self._session.execute(delete(COUPONS).where(COUPONS.c.reference == issue_reference(self._job.id), late))
        return granted
