"""Lots (积分批次): which can be spent at an instant, and what an entry opened or drew on.

A lot is spendable from ``available_at`` on and no longer from ``expires_at`` on, whether or not a nightly job has
booked it out.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from loyalty.points.models import Draw, LedgerEntry, Lot
from loyalty.points.posting import ENTRIES, LOTS, Posting
from loyalty.points.rules import EntryKind, LotDraw, OpenLot


def unexpired(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Tell of lots whether their points still live at an instant."""
    return or_(LOTS.c.expires_at.is_(None), LOTS.c.expires_at > at)


def spendable(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Tell of lots whether their points can be spent at an instant."""
    return and_(LOTS.c.remaining > 0, LOTS.c.available_at <= at, unexpired(at))


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
    lots = (
        select(LOTS.c.id, LOTS.c.remaining, LOTS.c.opened_at, LOTS.c.expires_at)
        .where(LOTS.c.member_id == member_id, spendable(bindparam("at", type_=DateTime(timezone=True))))
        .order_by(LOTS.c.expires_at, LOTS.c.opened_at, LOTS.c.id)
        .limit(bindparam("row_limit", type_=Integer))
        .subquery("lots")
    )
    one = select(literal_column("1").label("one")).subquery("one")
    joined = one.outerjoin(known, true()).outerjoin(lots, known.c.id.is_(None))
    return select(*known.c, *(column.label(f"lot_{column.name}") for column in lots.c)).select_from(joined)


_DEBIT_BASIS = _debit_basis()


def find_posting_or_spendable_lots(
    session: Session, *, member_id: int, kind: EntryKind, reference: str, at: datetime, limit: int
) -> Posting | Sequence[OpenLot]:
    """Return what was posted under a reference, or else the first lots that a debit draws on, in their order."""
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
    rows = session.execute(
        select(LOTS.c.id, LOTS.c.remaining, LOTS.c.opened_at, LOTS.c.expires_at)
        .where(LOTS.c.member_id == member_id, spendable(literal(at)))
        .order_by(LOTS.c.expires_at, LOTS.c.opened_at, LOTS.c.id)
        .limit(limit)
    )
    return [OpenLot(*row) for row in rows]


def list_lots_of_entry(session: Session, *, member_id: int, entry_id: int) -> Sequence[OpenLot]:
    """Return the lots that an entry opened, also those that are used up or expired."""
    rows = session.execute(
        select(Lot.id, Lot.remaining, Lot.opened_at, Lot.expires_at)
        .where(Lot.member_id == member_id, Lot.entry_id == entry_id)
        .order_by(Lot.id)
    )
    return [OpenLot(*row) for row in rows]


def list_draws_of_entry(session: Session, *, member_id: int, entry_id: int) -> Sequence[LotDraw]:
    """Return what an entry drew on each lot, less what its reversals put back, in the order of drawing."""
    reversals = select(LedgerEntry.id).where(
        LedgerEntry.member_id == member_id, LedgerEntry.reversed_entry_id == entry_id
    )
    rows = session.execute(
        select(Draw.lot_id, func.sum(Draw.points))
        .join(Lot, and_(Lot.member_id == Draw.member_id, Lot.id == Draw.lot_id))
        .where(Draw.member_id == member_id, or_(Draw.entry_id == entry_id, Draw.entry_id.in_(reversals)))
        .group_by(Draw.lot_id, Lot.expires_at, Lot.opened_at)
        .order_by(Lot.expires_at, Lot.opened_at, Draw.lot_id)
    )
    return [LotDraw(lot_id, int(points or 0)) for lot_id, points in rows]
