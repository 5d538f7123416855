"""Holds of a member (积分冻结): what each set aside, for whom, until when, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page, decode_cursor, page_of
from loyalty.points.lots import HOLDS
from loyalty.points.rules import HoldNotFound, HoldState, state_at
from loyalty.points.statement.entries import STORES

_COLUMNS = (
    *(HOLDS.c[name] for name in ("id", "reference", "points", "captured_points", "state", "actor")),
    *(HOLDS.c[name] for name in ("placed_at", "expires_at", "closed_at")),
    STORES.c.name.label("store_name"),
)
_HOLDS = select(*_COLUMNS).select_from(HOLDS.outerjoin(STORES, STORES.c.id == HOLDS.c.store_id))


@dataclass(frozen=True, slots=True)
class HoldLine:
    """One hold (冻结) as it stands at an instant: one that ran out binds nothing, whether or not a job closed it."""

    id: int
    reference: str
    points: int
    captured_points: int
    state: HoldState
    actor: str
    placed_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    store_name: str | None


def list_holds(
    session: Session,
    *,
    member_id: int,
    at: datetime,
    state: HoldState | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[HoldLine]:
    """Return a page of a member's holds, newest first; ``since`` and ``until`` are about when they were placed.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    size = max(1, min(limit, PAGE_SIZE_MAX))
    query = _HOLDS.where(HOLDS.c.member_id == member_id).order_by(HOLDS.c.id.desc()).limit(size + 1)
    if state is not None:
        query = query.where(_is_in(state, at))
    if since is not None:
        query = query.where(HOLDS.c.placed_at >= since)
    if until is not None:
        query = query.where(HOLDS.c.placed_at < until)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(HOLDS.c.id < last_id)
    lines = [_line(row, at) for row in session.execute(query)]
    return page_of(lines, limit=size, id_of=lambda line: line.id)


def get_hold(session: Session, *, member_id: int, hold_id: int, at: datetime) -> HoldLine:
    """Return one hold of a member.

    Raises:
        HoldNotFound: the member has no such hold.
    """
    row = session.execute(_HOLDS.where(HOLDS.c.member_id == member_id, HOLDS.c.id == hold_id)).first()
    if row is None:
        raise HoldNotFound(hold_id=hold_id)
    return _line(row, at)


def _is_in(state: HoldState, at: datetime) -> ColumnElement[bool]:
    """Say in SQL what ``state_at`` says."""
    has_run_out = (HOLDS.c.state == HoldState.PLACED) & (HOLDS.c.expires_at <= at)
    if state is HoldState.PLACED:
        return (HOLDS.c.state == state) & ~has_run_out
    if state is HoldState.EXPIRED:
        return (HOLDS.c.state == state) | has_run_out
    return HOLDS.c.state == state


def _line(row: AnyRow, at: datetime) -> HoldLine:
    state = state_at(HoldState(row.state), expires_at=row.expires_at, at=at)
    return HoldLine(**{**row._mapping, "state": state})
