"""Issuing a job (批量发放): a page of members is one transaction and a handful of statements.

A page decides as the issue of a single coupon does: eligibility by what stands, then the members' own limits, and
the shared stock last, so that whatever is issued at the same time on other ways, all limits hold exactly. The job's
run is locked while a page lasts, so nobody else issues under its reference. No event is recorded for each coupon: the
members are told in pages too (``telling``).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.queries.issue_jobs import IssueJobView, get_job
from loyalty.coupons.queries.templates import TemplateView, get_template
from loyalty.coupons.rules.issue_jobs import IssueJobState, Skip, issue_reference, job_id_of
from loyalty.coupons.rules.issuing import check_issuing
from loyalty.coupons.rules.limiting import member_limits, stock_limits
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.validity import Period, validity_of
from loyalty.coupons.service.issue_jobs.candidates import COUPONS, hold_candidates
from loyalty.coupons.service.issue_jobs.life import move, start_telling
from loyalty.coupons.service.issue_jobs.reasons import write_skipped
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.clock import business_date
from loyalty.limits.rules import Granted, Limit, member_entity
from loyalty.limits.service import give_back_for_each, reserve_for_each, reserve_up_to, used
from loyalty.points.posting import parameter, parameters

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
    period = validity_of(job.terms, issued_at=at, zone=zone)
    found = hold_candidates(session, job=job, after=run.cursor, limit=PAGE_ROWS, at=at)
    page = _Page(session, job, template, period, zone, at)
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

    def __init__(
        self, session: Session, job: IssueJobView, template: TemplateView, period: Period, zone: ZoneInfo, at: datetime
    ) -> None:
        self._session, self._job, self._period, self._at = session, job, period, at
        on = business_date(at, zone)
        # Those of any member have the periods and ceilings of everybody's.
        self._own = member_limits(job.terms, template_id=job.template_id, member_id=0, on=on)
        self._stock = stock_limits(
            job.terms, template_id=job.template_id, stock=template.stock, store_id=job.store_id, on=on
        )

    def issue(self, owners: Mapping[int, int]) -> Mapping[int, Skip]:
        """Issue to owners, given by the member of their row; return whom a limit refused."""
        sold_out = self._find_sold_out() if owners else None
        if sold_out is not None:
            return dict.fromkeys(owners, Skip(sold_out.name))
        entities = [member_entity(owner_id) for owner_id in owners.values()]
        refused = reserve_for_each(self._session, limits=self._own, entities=entities)
        each = zip(owners, entities, strict=True)
        skipped = {one: Skip(refused[entity].name) for one, entity in each if entity in refused} if refused else {}
        wanted = [member_id for member_id in owners if member_id not in skipped] if skipped else list(owners)
        granted = self._issue_up_to([owners[member_id] for member_id in wanted])
        if granted.stopped_by is not None:
            late = wanted[granted.amount :]
            self._give_back([member_entity(owners[member_id]) for member_id in late])
            skipped |= dict.fromkeys(late, Skip(granted.stopped_by.name))
        return skipped

    def _find_sold_out(self) -> Limit | None:
        """Look, without a lock, for a limit that leaves nothing for anybody."""
        return next((limit for limit in self._stock if used(self._session, limit=limit) >= limit.ceiling), None)

    def _issue_up_to(self, owner_ids: Sequence[int]) -> Granted:
        """Issue to as many as the stock allows, in their order.

        The hot counters are locked when all is written, so that others wait for a moment only; what was written for
        more than they allow goes before anybody has seen it.
        """
        if not owner_ids:
            return Granted(0)
        self._insert(owner_ids)
        granted = reserve_up_to(self._session, limits=self._stock, amount=len(owner_ids))
        if granted.amount < len(owner_ids):
            late = COUPONS.c.member_id.in_(owner_ids[granted.amount :])
            self._session.execute(delete(COUPONS).where(COUPONS.c.reference == issue_reference(self._job.id), late))
        return granted

    def _insert(self, owner_ids: Sequence[int]) -> None:
        values = {
            "template_id": self._job.template_id,
            "revision_id": self._job.revision_id,
            "reference": issue_reference(self._job.id),
            "path": IssuePath.BULK.value,
            "store_id": self._job.store_id,
            "actor": self._job.created_by,
            "issued_at": self._at,
            "usable_at": self._period.usable_at,
            "expires_at": self._period.expires_at,
        }
        self._session.execute(_INSERT, parameters({**values, "member_ids": list(owner_ids)}))

    def _give_back(self, entities: Sequence[str]) -> None:
        for subject in {limit.subject for limit in self._own}:
            amounts = {(entity, limit.period): 1 for limit in self._own for entity in entities}
            give_back_for_each(self._session, subject=subject, amounts=amounts)


_VALUES = (
    *("template_id", "revision_id", "reference", "path", "store_id", "actor"),
    *("issued_at", "usable_at", "expires_at"),
)


def _insert() -> Any:
    owner = func.unnest(parameter("member_ids", SentArray(BigInteger()))).column_valued("owner_id")
    values = [parameter(name, COUPONS.c[name].type) for name in _VALUES]
    return insert(COUPONS).from_select(["member_id", *_VALUES], select(owner, *values))


_INSERT = _insert()
