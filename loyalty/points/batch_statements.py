"""Statements that adjust the points of many members at once: one for a page of credits, one for its debits.

Their source are arrays, one value for each member, that the caller sends; the accounts are locked by then. What was
found before is sent as arrays too, never joined in the posting itself: the planner knows how long an array is, and
would take what a search finds for a single row.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    DateTime,
    FromClause,
    Select,
    String,
    and_,
    any_,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from loyalty.kernel.arrays import SentArray
from loyalty.points.lifetimes import ends_after
from loyalty.points.lots import FREE, free_at, spendable
from loyalty.points.posting import (
    ACCOUNTS,
    ENTRIES,
    IDLE_TERMS,
    LOTS,
    TERMS,
    Writes,
    constant,
    given,
    pairs,
    parameter,
    post_credits,
    post_draws,
)
from loyalty.points.rules import EntryKind

_AT = parameter("recorded_at")
_ZERO, _ONE = (literal_column(number, BigInteger) for number in ("0", "1"))
_MEMBERS = parameter("member_ids", SentArray(BigInteger()))


def _given_rows(name: str, **arrays: tuple[str, TypeEngine[Any]]) -> FromClause:
    # Typed: what a digest is made of depends on the type of a column.
    columns = [column(given_as, type_) for given_as, (_sent_as, type_) in arrays.items()]
    values = [parameter(sent_as, SentArray(type_)) for sent_as, type_ in arrays.values()]
    return func.unnest(*values).table_valued(*columns, name=name).render_derived()


def _changes(**others: tuple[str, TypeEngine[Any]]) -> FromClause:
    return _given_rows(
        "change",
        member_id=("member_ids", BigInteger()),
        points=("amounts", BigInteger()),
        reference=("references", String()),
        expires_at=("expiries", DateTime(timezone=True)),
        **others,
    )


def _credit() -> Select[Any]:
    change = _changes(idle_days=("idle_days", BigInteger()), idle_zone=("idle_zones", String()))
    terms = {name: _AT for name in TERMS} | {name: change.c[name] for name in ("expires_at", *IDLE_TERMS)}
    source = select(*_entry(change, points=change.c.points, **terms))
    return _written(post_credits(source.cte("source"), event=None))


def _written(writes: Writes) -> Select[Any]:
    """Return the whole statement; it tells how many entries there are, not each of thousands."""
    return select(func.count()).select_from(writes.moved).add_cte(*writes.effects)


def _entry(change: FromClause, **values: Any) -> Sequence[Any]:
    shared = {
        "member_id": change.c.member_id,
        "kind": constant(EntryKind.ADJUST),
        "reference": change.c.reference,
        "store_id": literal_column("NULL::bigint"),
        "actor": parameter("actor"),
        "explanation": parameter("explanation"),
        "occurred_at": parameter("occurred_at"),
        "recorded_at": _AT,
    }
    return given(**{**shared, **values})


def _draws() -> CTE:
    draws = _given_rows(
        "drawn_lots",
        member_id=("drawn_member_ids", BigInteger()),
        lot_id=("lot_ids", BigInteger()),
        points=("lot_points", BigInteger()),
    )
    return select(*draws.c).cte("draws")


def _debit() -> Select[Any]:
    change = _changes()
    source = select(*_entry(change, points=change.c.points))
    return _written(post_draws(source.cte("source"), _draws(), event=None))


def _take_back() -> Select[Any]:
    asked = _given_rows(
        "asked",
        member_id=("member_ids", BigInteger()),
        points=("amounts", BigInteger()),
        reference=("references", String()),
        reversed_entry_id=("entry_ids", BigInteger()),
        reversed_points=("undone", BigInteger()),
    )
    row = asked.c
    told = {"of": constant(EntryKind.ADJUST), "forgiven": row.reversed_points + row.points}
    source = select(
        *_entry(
            asked,
            kind=constant(EntryKind.REVERSE),
            points=row.points,
            reversed_entry_id=row.reversed_entry_id,
            reversed_points=row.reversed_points,
            explanation=parameter("explanation").op("||")(func.jsonb_build_object(*pairs(tuple(told), told))),
        )
    )
    return _written(post_draws(source.cte("source"), _draws(), event=None))


def _find_credits() -> Select[Any]:
    """Find adjustments that gave points: what of each is not undone yet, and what is left of it in its lot."""
    asked = _given_rows(
        "asked",
        member_id=("member_ids", BigInteger()),
        entry_reference=("entry_references", String()),
        reference=("references", String()),
    )
    entry = (
        select(ENTRIES.c.id, ENTRIES.c.points)
        .where(
            ENTRIES.c.member_id == asked.c.member_id,
            ENTRIES.c.kind == constant(EntryKind.ADJUST),
            ENTRIES.c.reference == asked.c.entry_reference,
            ENTRIES.c.points > _ZERO,
        )
        .limit(_ONE)  # so that each is looked up by its key, whatever the planner knows of the table
        .lateral("entry")
    )
    before, lot = _undone_before(asked, entry), _lot_of(asked, entry)
    left = (entry.c.points - before.c.points).cast(BigInteger)
    return (
        select(
            asked.c.member_id,
            asked.c.reference,
            entry.c.id.label("entry_id"),
            left.label("left"),
            lot.c.id.label("lot_id"),
            func.coalesce(lot.c.free, _ZERO).label("free"),
        )
        .select_from(asked.join(entry, true()).join(before, true()).outerjoin(lot, true()))
        .where(left > _ZERO)
    )


def _undone_before(asked: FromClause, entry: FromClause) -> FromClause:
    reversal = ENTRIES.alias("reversal")
    return (
        select(func.coalesce(func.sum(reversal.c.reversed_points), _ZERO).label("points"))
        .where(reversal.c.member_id == asked.c.member_id, reversal.c.reversed_entry_id == entry.c.id)
        .lateral("before")
    )


def _lot_of(asked: FromClause, entry: FromClause) -> FromClause:
    return (
        select(LOTS.c.id, FREE.label("free"))
        .where(LOTS.c.member_id == asked.c.member_id, LOTS.c.entry_id == entry.c.id)
        .limit(_ONE)
        .lateral("lot")
    )


CREDIT, DEBIT, TAKE_BACK, FIND_CREDITS = _credit(), _debit(), _take_back(), _find_credits()
_OPENED = _given_rows("opened", member_id=("member_ids", BigInteger()))
OPEN = (
    insert(ACCOUNTS).from_select(["member_id", "opened_at"], select(_OPENED.c.member_id, _AT)).on_conflict_do_nothing()
)
LOCK = (
    select(ACCOUNTS.c.member_id, ACCOUNTS.c.debt)
    .where(ACCOUNTS.c.member_id == any_(_MEMBERS))
    .order_by(ACCOUNTS.c.member_id)
    .with_for_update(key_share=True)
)
AVAILABLE = (
    select(ACCOUNTS.c.member_id, (func.coalesce(func.sum(free_at(_AT)), _ZERO) - ACCOUNTS.c.debt).label("available"))
    .outerjoin_from(ACCOUNTS, LOTS, and_(LOTS.c.member_id == ACCOUNTS.c.member_id, spendable(_AT)))
    .where(ACCOUNTS.c.member_id == any_(_MEMBERS))
    .group_by(ACCOUNTS.c.member_id)
)
FREE_LOTS = select(
    LOTS.c.member_id, LOTS.c.id, FREE, LOTS.c.opened_at, ends_after(LOTS, _AT).label("expires_at")
).where(LOTS.c.member_id == any_(_MEMBERS), spendable(_AT), LOTS.c.remaining > LOTS.c.held)
