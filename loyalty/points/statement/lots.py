"""Lots of a statement (积分批次): what is left, where it came from and when it lapses, soonest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, not_, or_, select, tuple_, union_all
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, InvalidCursor, Page, decode_cursor, page_of
from loyalty.points.explanations import sentence
from loyalty.points.lifetimes import ends_at
from loyalty.points.lots import HOLD_LOTS, HOLDS, bound_at, free_at
from loyalty.points.posting import ACCOUNTS, ENTRIES, LOTS
from loyalty.points.statement.entries import STORES

SOON = timedelta(days=30)
_ENDS = ends_at(LOTS, ACCOUNTS)
LOTS_WITH_ORIGIN = (
    LOTS.join(ACCOUNTS, ACCOUNTS.c.member_id == LOTS.c.member_id)
    .join(ENTRIES, and_(ENTRIES.c.member_id == LOTS.c.member_id, ENTRIES.c.id == LOTS.c.entry_id))
    .outerjoin(STORES, STORES.c.id == LOTS.c.store_id)
)
"""Lots with the account, the entry that opened them and the store that issued them."""


class LotState(StrEnum):
    """What can be done with a lot at an instant."""

    AVAILABLE = "available"
    PENDING = "pending"
    """Not yet spendable (待入账)."""
    HELD = "held"
    """All that is left of it is set aside (冻结)."""
    EXPIRED = "expired"
    """Unspendable since its expiry; the nightly job books it out."""
    USED_UP = "used_up"


@dataclass(frozen=True, slots=True)
class LotView:
    """One lot (积分批次): what is left of one credit, the reason of that credit and the store that issued it."""

    id: int
    entry_id: int
    points: int
    remaining: int
    held: int
    """What holds bind of what remains: neither spendable nor expiring."""
    opened_at: datetime
    available_at: datetime
    expires_at: datetime | None
    """The first instant at which it can no longer be spent, as things stand."""
    idle_days: int | None
    """Of points that live on with their member's activity: how many days without any they outlast."""
    state: LotState
    reason: str
    store_name: str | None


@dataclass(frozen=True, slots=True)
class ExpiringSoon:
    """How many points lapse within the coming days (即将过期)."""

    days: int
    points: int


def list_lots(
    session: Session,
    *,
    member_id: int,
    at: datetime,
    state: LotState | None = None,
    ending_by: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[LotView]:
    """Return a page of the lots that still hold points: the soonest expiry first, those without expiry last.

    A lot that has expired is left out, unless a hold still binds some of it: nothing else can be done with it.
    ``ending_by`` leaves those that can be spent no longer than until then.

    Raises:
        InvalidCursor: the cursor was not made by us, or not for this member.
    """
    size = max(1, min(limit, PAGE_SIZE_MAX))
    last = _last_shown(session, member_id, decode_cursor(cursor))
    wanted = [*_in_state(state, at), *_ending_by(ending_by)]
    rows = session.execute(_page(_ranges(member_id, at, last, wanted), member_id, at, size + 1))
    return page_of([read_lot(row, at) for row in rows], limit=size, id_of=lambda view: view.id)


def expiring_soon(session: Session, *, member_id: int, at: datetime) -> ExpiringSoon:
    """Return what lapses within ``SOON``, whether or not it can be spent yet; what holds bind does not."""
    lot, ends = LOTS.c, _ENDS
    lapsing = (
        select(func.coalesce(func.sum(free_at(literal(at))), 0))
        .join_from(LOTS, ACCOUNTS, ACCOUNTS.c.member_id == lot.member_id)
        .where(
            lot.member_id == member_id,
            lot.remaining > 0,
            or_(and_(lot.expires_at > at, lot.expires_at <= at + SOON), lot.idle_days.is_not(None)),
            and_(ends > at, ends <= at + SOON),
        )
    )
    return ExpiringSoon(days=SOON.days, points=int(session.execute(lapsing).scalar_one()))


def read_lot(row: AnyRow, at: datetime) -> LotView:
    """Read the columns of a lot together with those of the entry that opened it."""
    return LotView(
        id=row.id,
        entry_id=row.entry_id,
        points=row.points,
        remaining=row.remaining,
        held=row.held,
        opened_at=row.opened_at,
        available_at=row.available_at,
        expires_at=row.ends_at,
        idle_days=row.idle_days,
        state=_state(row, at),
        reason=sentence(kind=row.kind, points=row.entry_points, explanation=row.explanation),
        store_name=row.store_name,
    )


def lot_columns(at: datetime) -> tuple[ColumnElement[Any], ...]:
    """Return what ``read_lot`` reads from ``LOTS_WITH_ORIGIN``."""
    names = ("id", "entry_id", "points", "remaining", "opened_at", "available_at", "idle_days")
    return (
        *(LOTS.c[name] for name in names),
        (LOTS.c.remaining - free_at(literal(at))).label("held"),
        _ENDS.label("ends_at"),
        ENTRIES.c.kind,
        ENTRIES.c.points.label("entry_points"),
        ENTRIES.c.explanation,
        STORES.c.name.label("store_name"),
    )


def _state(row: AnyRow, at: datetime) -> LotState:
    if row.remaining == 0:
        return LotState.USED_UP
    if row.ends_at is not None and row.ends_at <= at and row.held < row.remaining:
        return LotState.EXPIRED
    if row.available_at > at:
        return LotState.PENDING
    return LotState.HELD if row.held == row.remaining else LotState.AVAILABLE


def _last_shown(session: Session, member_id: int, lot_id: int | None) -> AnyRow | None:
    if lot_id is None:
        return None
    found = session.execute(
        select(_ENDS.label("ends_at"), LOTS.c.opened_at, LOTS.c.id)
        .join_from(LOTS, ACCOUNTS, ACCOUNTS.c.member_id == LOTS.c.member_id)
        .where(LOTS.c.member_id == member_id, LOTS.c.id == lot_id)
    ).first()
    if found is None:
        raise InvalidCursor
    return found


def _in_state(state: LotState | None, at: datetime) -> Sequence[ColumnElement[bool]]:
    """Say in SQL what ``_state`` says of a lot that holds points."""
    if state is None:
        return []
    free, ends, is_pending = free_at(literal(at)), _ENDS, LOTS.c.available_at > at
    has_ended = and_(ends.is_not(None), ends <= at, free > 0)
    return {
        LotState.EXPIRED: [has_ended],
        LotState.PENDING: [not_(has_ended), is_pending],
        LotState.HELD: [not_(is_pending), free == 0],
        LotState.AVAILABLE: [not_(has_ended), not_(is_pending), free > 0],
        LotState.USED_UP: [LOTS.c.remaining == 0],
    }[state]


def _ending_by(instant: datetime | None) -> Sequence[ColumnElement[bool]]:
    ends = _ENDS
    return [] if instant is None else [ends <= instant]


def _page(ranges: Sequence[Select[Any]], member_id: int, at: datetime, limit: int) -> Select[Any]:
    """Each range gives a page's worth of lots in the order of the statement; the first of them are the page."""
    parts = [part.limit(limit).subquery() for part in ranges]
    shown = union_all(*(select(part.c.id) for part in parts)).subquery("shown")
    return (
        select(*lot_columns(at))
        .select_from(LOTS_WITH_ORIGIN.join(shown, shown.c.id == LOTS.c.id))
        .where(LOTS.c.member_id == member_id)
        .order_by(_ENDS.nulls_last(), LOTS.c.opened_at, LOTS.c.id)
        .limit(limit)
    )


def _ranges(
    member_id: int, at: datetime, last: AnyRow | None, wanted: Sequence[ColumnElement[bool]]
) -> Sequence[Select[Any]]:
    """Return the lots that follow the last one shown.

    Those with a fixed end and those without are two ranges of one index. Those that live on with activity, and those
    that only holds still bind, are sorted by when they end, which no index knows.
    """
    lot, ends = LOTS.c, _ENDS
    own = select(lot.id).where(lot.member_id == member_id, lot.remaining > 0)
    with_account = own.join(ACCOUNTS, ACCOUNTS.c.member_id == lot.member_id)
    if wanted:
        own = with_account = with_account.where(*wanted)
    by_index, by_end = ((end, lot.opened_at, lot.id) for end in (lot.expires_at, ends))
    # Also the undated by all three columns, or PostgreSQL would not see that the index has them in order.
    undated = own.where(lot.idle_days.is_(None), lot.expires_at.is_(None)).order_by(*by_index)
    if last is not None and last.ends_at is None:
        return [undated.where(tuple_(lot.opened_at, lot.id) > tuple_(last.opened_at, last.id))]
    dated = own.where(lot.idle_days.is_(None)).order_by(*by_index)
    ending = with_account.order_by(*by_end)
    if last is not None:
        shown = tuple_(last.ends_at, last.opened_at, last.id)
        ending = ending.where(tuple_(*by_end) > shown)
    # One bound, not two: the index would be entered at the weaker of them.
    is_ahead = lot.expires_at > at if last is None or last.ends_at <= at else tuple_(*by_index) > shown
    bound = bound_at(literal(at), HOLD_LOTS.c.lot_id).where(HOLDS.c.member_id == member_id)
    return [
        dated.where(is_ahead),
        ending.where(lot.idle_days.is_not(None), ends > at),
        ending.where(lot.id.in_(bound), ends <= at),
        undated,
    ]
