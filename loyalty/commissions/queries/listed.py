"""Commissions as lists show them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.commissions.models import Commission
from loyalty.commissions.rules.states import CommissionState, Why
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.queries import family_ids


@dataclass(frozen=True, slots=True)
class CommissionListed:
    """What an order earned a member on a level, or missed and why."""

    id: int
    order_id: int
    level: int
    member_id: int
    referee_id: int
    plan_id: int
    state: CommissionState
    reason: Why | None
    limited_by: Why | None
    base_fen: int
    amount_fen: int
    reversed_fen: int
    store_id: int | None
    paid_at: datetime
    approves_at: datetime

    @property
    def left_fen(self) -> int:
        """What was not undone."""
        return self.amount_fen - self.reversed_fen


def list_commissions(
    session: Session,
    *,
    member_id: int | None = None,
    state: CommissionState | None = None,
    reason: Why | None = None,
    level: int | None = None,
    store_ids: Collection[int] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[CommissionListed]:
    """Return a page of commissions, the latest first; ``member_id`` is who earned, the times are those of payment.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    query = select(Commission).order_by(Commission.id.desc()).limit(limit + 1)
    exact = {Commission.state: state, Commission.reason: reason, Commission.level: level}
    query = query.where(*(column == value for column, value in exact.items() if value is not None))
    if member_id is not None:
        query = query.where(Commission.member_id.in_(family_ids(member_id)))
    if store_ids is not None:
        query = query.where(Commission.store_id.in_(store_ids))
    if since is not None:
        query = query.where(Commission.paid_at >= since)
    if until is not None:
        query = query.where(Commission.paid_at < until)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Commission.id < last_id)
    rows = session.scalars(query.execution_options(populate_existing=True))
    return page_of([_view(row) for row in rows], limit=limit, id_of=lambda view: view.id)


def _view(row: Commission) -> CommissionListed:
    return CommissionListed(
        id=row.id,
        order_id=row.order_id,
        level=row.level,
        member_id=row.member_id,
        referee_id=row.referee_id,
        plan_id=row.plan_id,
        state=CommissionState(row.state),
        reason=None if row.reason is None else Why(row.reason),
        limited_by=None if row.limited_by is None else Why(row.limited_by),
        base_fen=row.base_fen,
        amount_fen=row.amount_fen,
        reversed_fen=row.reversed_fen,
        store_id=row.store_id,
        paid_at=row.paid_at,
        approves_at=row.approves_at,
    )
