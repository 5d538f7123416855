"""The proof of entries: each continues the one before it, and its lots and draws add up to its points."""

from typing import Any

from sqlalchemy import CTE, Select, and_, case, func, null, or_, select, union_all

from loyalty.points import chain
from loyalty.points.posting import DRAWS, ENTRIES, LOTS, constant
from loyalty.points.proof.rows import LATER, NO, ONE, YES, ZERO, found, of_page, whole
from loyalty.points.rules import EntryKind


def _entries() -> CTE:
    """Each entry beside what the entry before it makes one expect."""
    entry = ENTRIES.c
    over: dict[str, Any] = {"partition_by": entry.member_id, "order_by": entry.sequence}
    digest = chain.digest(
        func.lag(entry.digest, whole(1), chain.GENESIS).over(**over), {name: entry[name] for name in chain.COLUMNS}
    )
    owed = entry.balance_after - entry.debt_after
    borrowed = entry.debt_after - func.lag(entry.debt_after, whole(1), ZERO).over(**over)
    reason = case(
        (
            entry.sequence != func.lag(entry.sequence, whole(1), ZERO).over(**over) + ONE,
            constant("entries before it are missing, or stand twice"),
        ),
        (entry.digest != digest, constant("it does not continue the chain: it, or the one before, was changed")),
        (
            owed != func.lag(owed, whole(1), ZERO).over(**over) + entry.points,
            constant("balance_after is not the balance before plus its points"),
        ),
        else_=None,
    )
    return (
        select(
            entry.member_id,
            entry.id,
            entry.sequence,
            entry.balance_after,
            entry.debt_after,
            entry.digest,
            borrowed.label("borrowed"),
            (entry.points + borrowed).label("opened_less_drawn"),
            func.coalesce(entry.store_id, ZERO).label("store_id"),
            (entry.kind != constant(EntryKind.TRANSFER)).label("has_lots_of_its_store"),
            func.lead(NO, whole(1), YES).over(**over).label("is_last"),
            reason.label("reason"),
        )
        .where(of_page(entry.member_id))
        .cte("entries")
    )


ENTRIES_OF_PAGE = _entries()
"""Each entry of the page's members, with what does not fit between it and the entry before."""


def broken_chains() -> Select[Any]:
    """Find entries that do not continue the entry before them."""
    entry = ENTRIES_OF_PAGE.c
    broken = found("ledger_entries", entry.id, entry.reason, entry.member_id, entry.sequence)
    return broken.where(entry.reason.is_not(None))


def movements_that_differ() -> Select[Any]:
    """Find entries whose lots and draws do not add up or are of another store, and lots and draws of no entry.

    A transfer's lots keep the stores that issued them; nothing else moves points of another store than its own.
    """
    entry, lot, draw = ENTRIES_OF_PAGE.c, LOTS.c, DRAWS.c
    sides = union_all(
        select(
            entry.member_id,
            entry.id.label("entry_id"),
            entry.opened_less_drawn.label("points"),
            entry.sequence,
            entry.store_id.label("drawing_store"),
            case((entry.has_lots_of_its_store, entry.store_id), else_=None).label("issuing_store"),
            entry.has_lots_of_its_store,
        ),
        select(
            lot.member_id, lot.entry_id, -lot.points, null(), null(), func.coalesce(lot.store_id, ZERO), null()
        ).where(of_page(lot.member_id)),
        select(
            draw.member_id, draw.entry_id, draw.points, null(), func.coalesce(draw.store_id, ZERO), null(), null()
        ).where(of_page(draw.member_id)),
    ).subquery("sides")
    side = sides.c
    sequence = func.max(side.sequence)
    is_of_another_store = or_(
        func.min(side.drawing_store) != func.max(side.drawing_store),
        and_(func.bool_and(side.has_lots_of_its_store), func.min(side.issuing_store) != func.max(side.issuing_store)),
    )
    differs = func.sum(side.points) != ZERO
    reason = case(
        (sequence.is_(None), constant("lots or draws are there, but not the entry that made them")),
        (differs, constant("its lots and draws do not add up to its points")),
        else_=constant("one of its lots or draws is of another store"),
    )
    return (
        found("ledger_entries", side.entry_id, reason, side.member_id, func.coalesce(sequence, LATER))
        .group_by(side.member_id, side.entry_id)
        .having(or_(sequence.is_(None), differs, is_of_another_store))
    )
