"""Lots (积分批次): which can be spent at an instant, and what an entry opened or drew on.

A lot is spendable from ``available_at`` on and no longer from ``expires_at`` on, whether or not a nightly job has
booked it out. What a placed hold binds of it is neither spent nor expires.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    DateTime,
    Select,
    String,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from loyalty.points.lifetimes import ends_after, lives_at
from loyalty.points.models import Draw, Hold, HoldLot, LedgerEntry
from loyalty.points.posting import DRAWS, ENTRIES, LOTS, Posting, constant, table_of
from loyalty.points.rules import EntryKind, HoldState, LotDraw, OpenLot

HOLDS, HOLD_LOTS = table_of(Hold), table_of(HoldLot)
FREE = (LOTS.c.remaining - LOTS.c.held).label("remaining")
"""What is left of a lot and not bound by a hold, for whoever has closed the holds that ran out."""
_OPEN_LOT = (LOTS.c.id, FREE, LOTS.c.opened_at, LOTS.c.expires_at)
_ZERO = literal_column("0", BigInteger)


def spendable(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Tell of lots whether their points can be spent at an instant."""
    return and_(LOTS.c.remaining > 0, LOTS.c.available_at <= at, lives_at(at))


def bound_at(at: ColumnElement[datetime], column: ColumnElement[Any]) -> Select[Any]:
    """Select of what holds bind of lots at an instant; one that ran out binds nothing, closed or not."""
    return (
        select(column)
        .join_from(
            HOLDS, HOLD_LOTS, and_(HOLD_LOTS.c.member_id == HOLDS.c.member_id, HOLD_LOTS.c.hold_id == HOLDS.c.id)
        )
        .where(HOLDS.c.state == constant(HoldState.PLACED), HOLDS.c.expires_at > at)
    )


def free_at(at: ColumnElement[datetime]) -> ColumnElement[int]:
    """Return what of a lot no hold binds at an instant, also where a hold that ran out was not closed yet."""
    bound = bound_at(at, func.coalesce(func.sum(HOLD_LOTS.c.points), _ZERO)).where(
        HOLDS.c.member_id == LOTS.c.member_id, HOLD_LOTS.c.lot_id == LOTS.c.id
    )
    return LOTS.c.remaining - case((LOTS.c.held > _ZERO, bound.scalar_subquery()), else_=_ZERO)


def _debit_basis() -> Select[Any]:
    member_id = bindparam("member_id", type_=BigInteger)
    known = (
        select(ENTRIES.c.id, ENTRIES.c.sequence, ENTRIES.c.points, ENTRIES.c.balance_after)
        .where(
            ENTRIES.c.member_id == member_id,
            ENTRIES.c.kind == bindparam("kind", type_=String),
            ENTRIES.c.reference == bindparam("reference", type_=String),
        )
        .subquery("known")
    )
    lots = _first_to_spend().subquery("lots")
    one = select(literal_column("1").label("one")).subquery("one")
    joined = one.outerjoin(known, true()).outerjoin(lots, known.c.id.is_(None))
    return select(*known.c, *(column.label(f"lot_{column.name}") for column in lots.c)).select_from(joined)


def _first_to_spend() -> CompoundSelect[Any]:
    """Select the first lots that a debit draws on; those that live with activity apart, the others by their index."""
    at = bindparam("at", type_=DateTime(timezone=True))
    is_own = and_(
        LOTS.c.member_id == bindparam("member_id", type_=BigInteger), spendable(at), LOTS.c.remaining > LOTS.c.held
    )
    kinds = ((LOTS.c.idle_days.is_(None), LOTS.c.expires_at), (LOTS.c.idle_days.is_not(None), ends_after(LOTS, at)))
    return union_all(
        *(
            select(LOTS.c.id, FREE, LOTS.c.opened_at, ends.label("expires_at"))
            .where(is_own, is_of_kind)
            .order_by(ends, LOTS.c.opened_at, LOTS.c.id)
            .limit(bindparam("row_limit", type_=BigInteger))
            for is_of_kind, ends in kinds
        )
    )


_DEBIT_BASIS = _debit_basis()
_FIRST_TO_SPEND = _first_to_spend().subquery("first")
_IN_ORDER = select(_FIRST_TO_SPEND).order_by(*(_FIRST_TO_SPEND.c[name] for name in ("expires_at", "opened_at", "id")))


def find_posting_or_spendable_lots(
    session: Session, *, member_id: int, kind: EntryKind, reference: str, at: datetime, limit: int
) -> Posting | Sequence[OpenLot]:
    """Return what was posted under a reference, or else the first lots that a debit draws on."""
    rows = session.execute(
        _DEBIT_BASIS,
        {"member_id": member_id, "kind": kind, "reference": reference, "at": at, "row_limit": limit},
    ).all()
    known = rows[0]
    if known.id is not None:
        return Posting(known.id, known.sequence, known.points, known.balance_after, is_replay=True)
    return [
        OpenLot(row.lot_id, row.lot_remaining, row.lot_opened_at, row.lot_expires_at)
        for row in rows
        if row.lot_id is not None
    ]


def list_spendable_lots(session: Session, *, member_id: int, at: datetime, limit: int) -> Sequence[OpenLot]:
    """Return the first lots that a debit at ``at`` draws on, in the order of drawing."""
    rows = session.execute(_IN_ORDER, {"member_id": member_id, "at": at, "row_limit": limit})
    return [OpenLot(*row) for row in rows]


def list_lots_of_entry(session: Session, *, member_id: int, entry_id: int) -> Sequence[OpenLot]:
    """Return the lots that an entry opened, also those that are used up or expired."""
    rows = session.execute(
        select(*_OPEN_LOT).where(LOTS.c.member_id == member_id, LOTS.c.entry_id == entry_id).order_by(LOTS.c.id)
    )
    return [OpenLot(*row) for row in rows]


def points_expired_of_entry(session: Session, *, member_id: int, entry_id: int) -> int:
    """Return how many of the points that an entry gave were booked out as expired."""
    expired = (
        select(func.coalesce(func.sum(DRAWS.c.points), _ZERO))
        .join_from(LOTS, DRAWS, and_(DRAWS.c.member_id == LOTS.c.member_id, DRAWS.c.lot_id == LOTS.c.id))
        .join(ENTRIES, and_(ENTRIES.c.member_id == DRAWS.c.member_id, ENTRIES.c.id == DRAWS.c.entry_id))
        .where(
            LOTS.c.member_id == member_id,
            LOTS.c.entry_id == entry_id,
            ENTRIES.c.kind == constant(EntryKind.EXPIRE),
        )
    )
    return int(session.execute(expired).scalar_one())


def list_expired_lots(session: Session, *, member_id: int, lot_ids: Sequence[int], at: datetime) -> Sequence[OpenLot]:
    """Return those of the lots given that have expired at ``at``."""
    rows = session.execute(
        select(*_OPEN_LOT)
        .where(LOTS.c.member_id == member_id, LOTS.c.id.in_(lot_ids), ~lives_at(literal(at)))
        .order_by(LOTS.c.id)
    )
    return [OpenLot(*row) for row in rows]


def move_expiry(session: Session, *, member_id: int, lot_ids: Sequence[int], expires_at: datetime) -> None:
    """Let lots live to an instant, however inactive their member is."""
    session.execute(
        update(LOTS)
        .where(LOTS.c.member_id == member_id, LOTS.c.id.in_(lot_ids))
        .values(expires_at=expires_at, idle_days=None, idle_zone=None)
    )


def list_draws_of_entry(session: Session, *, member_id: int, entry_id: int, drawn_at: datetime) -> Sequence[LotDraw]:
    """Return what an entry drew on each lot, less what its reversals put back, in the order of drawing."""
    reversals = select(LedgerEntry.id).where(
        LedgerEntry.member_id == member_id, LedgerEntry.reversed_entry_id == entry_id
    )
    rows = session.execute(
        select(LOTS.c.id, func.sum(Draw.points))
        .join_from(LOTS, Draw, and_(LOTS.c.member_id == Draw.member_id, LOTS.c.id == Draw.lot_id))
        .where(Draw.member_id == member_id, or_(Draw.entry_id == entry_id, Draw.entry_id.in_(reversals)))
        .group_by(LOTS.c.member_id, LOTS.c.id)
        .order_by(ends_after(LOTS, literal(drawn_at)), LOTS.c.opened_at, LOTS.c.id)
    )
    return [LotDraw(lot_id, int(points or 0)) for lot_id, points in rows]
