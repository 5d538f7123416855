"""Candidates (发券对象): a page of those whom a job names, each with who stands for them by now and what bars them.

What is asked of a member is what issuing a single coupon asks; only the limits are left to whoever issues.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, any_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponIssueRow
from loyalty.coupons.queries.issue_jobs import IssueJobView
from loyalty.coupons.rules.issue_jobs import Skip, issue_reference, skip_by_eligibility, skip_by_status
from loyalty.coupons.service.eligible import asked_of, asks, standing_of
from loyalty.coupons.service.owners import hold_owners
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.database import AnyRow
from loyalty.members.models import Member
from loyalty.points.posting import table_of

MEMBERS, ROWS = map(table_of, (Member, CouponIssueRow))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Some members of a job: who may get a coupon, and who gets none for which reason."""

    last_member_id: int
    """The last row that was looked at."""
    rows: int
    owners: Mapping[int, int]
    """Who may get one, by the member of the row: after a merge the survivor, each once."""
    skipped: Mapping[int, Skip]


def hold_candidates(session: Session, *, job: IssueJobView, after: int, limit: int, at: datetime) -> Candidates:
    """Return the members who follow one; no merge comes between until the transaction ends."""
    wanted = job.terms.eligibility
    named = {"job_id": job.id, "after": after, "limit": limit, **asked_of(wanted, at)}
    while True:
        found = _sorted_out(session, job, session.execute(_following(asks(wanted)), named).all(), after)
        if hold_owners(session, owner_ids=found.owners.values()):
            return found


def list_named(session: Session, *, job: IssueJobView, member_ids: Sequence[int], at: datetime) -> Candidates:
    """Return some members of a job."""
    wanted = job.terms.eligibility
    named = {"job_id": job.id, "member_ids": list(member_ids), **asked_of(wanted, at)}
    return _sorted_out(session, job, session.execute(_among(asks(wanted)), named).all(), 0)


def _sorted_out(session: Session, job: IssueJobView, rows: Sequence[AnyRow], after: int) -> Candidates:
    given = _have_one(session, job.id, [owner_id for _member_id, owner_id, _status, *_asked in rows])
    owners: dict[int, int] = {}
    skipped: dict[int, Skip] = {}
    for member_id, owner_id, status, *asked in rows:
        skip = skip_by_status(status)
        if skip is None and owner_id in given:
            skip = Skip.DUPLICATE
        if skip is None and asked:
            tier_level, tags = asked
            skip = skip_by_eligibility(job.terms.eligibility, tier_level=tier_level, tags=frozenset(tags or ()))
        if skip is not None:
            skipped[member_id] = skip
            continue
        owners[member_id] = owner_id
        given.add(owner_id)
    return Candidates(rows[-1].member_id if rows else after, len(rows), owners, skipped)


def _have_one(session: Session, job_id: int, owner_ids: Sequence[int]) -> set[int]:
    """Return which survivors of a merge have a coupon of the job already, or somebody who was merged into them has."""
    if not owner_ids:
        return set()
    # Survivors are few, so those between the first and the last are read sooner than thousands are named.
    between = {"first": min(owner_ids), "last": max(owner_ids)}
    survivors = list(set(session.scalars(_SURVIVORS, between)).intersection(owner_ids))
    if not survivors:
        return set()
    query = (
        select(func.coalesce(Member.merged_into_id, Member.id))
        .join(Coupon, (Coupon.member_id == Member.id) & (Coupon.reference == issue_reference(job_id)))
        .where(or_(Member.id.in_(survivors), Member.merged_into_id.in_(survivors)))
    )
    return set(session.scalars(query))


@lru_cache
def _following(asks_eligibility: bool) -> Any:
    after, limit = bindparam("after", type_=BigInteger), bindparam("limit", type_=BigInteger)
    page = _rows(ROWS.c.member_id > after).order_by(ROWS.c.member_id).limit(limit)
    # Said of the members too, so that the server begins to read them where the page does.
    return _statement(asks_eligibility, page.subquery("page")).where(MEMBERS.c.id > after)


@lru_cache
def _among(asks_eligibility: bool) -> Any:
    member_ids = bindparam("member_ids", type_=SentArray(BigInteger()))
    return _statement(asks_eligibility, _rows(ROWS.c.member_id == any_(member_ids)).subquery("page"))


def _rows(condition: Any) -> Any:
    return select(ROWS.c.member_id).where(ROWS.c.job_id == bindparam("job_id", type_=BigInteger), condition)


def _statement(asks_eligibility: bool, page: Any) -> Any:
    member, survivor = MEMBERS.c, MEMBERS.alias("survivor")
    owner_id = func.coalesce(member.merged_into_id, member.id)
    columns: list[Any] = [
        page.c.member_id,
        owner_id.label("owner_id"),
        func.coalesce(survivor.c.status, member.status).label("status"),
    ]
    if asks_eligibility:
        columns += standing_of(owner_id, MEMBERS)
    return (
        select(*columns)
        .join_from(page, MEMBERS, member.id == page.c.member_id)
        .outerjoin(survivor, survivor.c.id == member.merged_into_id)
        .order_by(page.c.member_id)
    )


_SURVIVORS = select(Member.merged_into_id).where(
    Member.merged_into_id.between(bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger))
)
