"""The trace of one entry: what it opened or drew on, what undid it, and what it undid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, null, select, union_all
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow
from loyalty.points.posting import DRAWS, ENTRIES, LOTS
from loyalty.points.rules import EntryNotFound
from loyalty.points.statement.entries import ENTRY_COLUMNS, STORES, EntryView, owners, read_entry
from loyalty.points.statement.lots import LOTS_WITH_ORIGIN, LotView, lot_columns, read_lot

LOTS_MAX = 100
"""How many lots of one entry are shown; an expiry may book out thousands."""


@dataclass(frozen=True, slots=True)
class DrawView:
    """What an entry took from a lot (批次扣减), or put back into it when ``points`` is negative."""

    points: int
    lot: LotView


@dataclass(frozen=True, slots=True)
class EntryTrace:
    """One entry with its lots and its reversals.

    A credit opened lots, a debit drew on them, soonest expiry first; ``lots_count`` is how many there are in all.
    ``owner_id`` is the member who holds the entry: one merged into the member asked about keeps what they had.
    """

    entry: EntryView
    owner_id: int
    reference: str
    actor: str
    opened: Sequence[LotView]
    draws: Sequence[DrawView]
    lots_count: int
    reversed_entry: EntryView | None
    reversals: Sequence[EntryView]


def trace_entry(session: Session, *, member_id: int, entry_id: int, at: datetime) -> EntryTrace:
    """Return an entry of a member's statement with everything it touched, in two statements.

    Raises:
        EntryNotFound: neither the member nor anybody merged into them has such an entry.
    """
    rows = _entry_and_reversals(session, member_id, entry_id)
    found = next((row for row in rows if row.id == entry_id), None)
    if found is None:
        raise EntryNotFound(entry_id=entry_id)
    touched = _lots_touched(session, found.member_id, entry_id, at)
    views = {row.id: read_entry(row) for row in rows}
    return EntryTrace(
        entry=views[entry_id],
        owner_id=found.member_id,
        reference=found.reference,
        actor=found.actor,
        opened=[read_lot(row, at) for row in touched if row.drawn is None],
        draws=[DrawView(row.drawn, read_lot(row, at)) for row in touched if row.drawn is not None],
        lots_count=touched[0].lots_count if touched else 0,
        reversed_entry=views.get(found.reversed_entry_id),
        reversals=[views[row.id] for row in rows if row.reversed_entry_id == entry_id],
    )


def _entry_and_reversals(session: Session, member_id: int, entry_id: int) -> Sequence[AnyRow]:
    who, entry = owners(), ENTRIES.c
    itself = (
        select(entry.member_id, entry.id, entry.reversed_entry_id)
        .join_from(who, ENTRIES, entry.member_id == who.c.id)
        .where(entry.id == entry_id)
        .cte("itself")
    )
    undoing = and_(entry.member_id == itself.c.member_id, entry.reversed_entry_id == itself.c.id)
    wanted = union_all(
        select(itself.c.member_id, itself.c.id),
        select(itself.c.member_id, itself.c.reversed_entry_id),
        select(entry.member_id, entry.id).join_from(itself, ENTRIES, undoing),
    ).subquery("wanted")
    query = (
        select(*ENTRY_COLUMNS, entry.member_id, entry.reference, entry.actor, entry.reversed_entry_id)
        .add_columns(STORES.c.name.label("store_name"))
        .join_from(wanted, ENTRIES, and_(entry.member_id == wanted.c.member_id, entry.id == wanted.c.id))
        .outerjoin(STORES, STORES.c.id == entry.store_id)
        .order_by(entry.id)
    )
    return session.execute(query, {"member_id": member_id}).all()


def _lots_touched(session: Session, owner_id: int, entry_id: int, at: datetime) -> Sequence[AnyRow]:
    """Read the lots that the entry opened, and those it drew on with how much."""
    lot, draw = LOTS.c, DRAWS.c
    touched = union_all(
        select(lot.id, null().label("drawn")).where(lot.member_id == owner_id, lot.entry_id == entry_id),
        select(draw.lot_id, draw.points).where(draw.member_id == owner_id, draw.entry_id == entry_id),
    ).subquery("touched")
    query = (
        select(*lot_columns(at), touched.c.drawn, func.count().over().label("lots_count"))
        .select_from(LOTS_WITH_ORIGIN.join(touched, touched.c.id == lot.id))
        .where(lot.member_id == owner_id)
        .order_by(lot.expires_at.nulls_last(), lot.opened_at, lot.id)
        .limit(LOTS_MAX)
    )
    return session.execute(query).all()
