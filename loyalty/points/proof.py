"""The proof of a page of members: one statement that returns the rows that do not fit, each with a reason.

It compares what accounts, entries, lots, draws and holds of a range of members say of each other. Amounts are
compared by adding up both sides in one pass, never by joining rows to rows, so that a member with a hundred
thousand entries costs no more than a thousand members with a hundred.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from loyalty.points import chain
from loyalty.points.models import Hold
from loyalty.points.posting import ACCOUNTS, DRAWS, ENTRIES, LOTS, constant, table_of
from loyalty.points.rules import EntryKind, HoldState

HOLDS = table_of(Hold)
_ZERO, _ONE = (literal_column(number, BigInteger) for number in ("0", "1"))
_YES, _NO = (literal_column(truth, Boolean) for truth in ("true", "false"))
# A member's entries in their order, then what they moved, then what sums them up: the first row names the cause.
_LATER, _LAST = (literal_column(str(2**62 + number), BigInteger) for number in (0, 1))


def _of_page(member_id: ColumnElement[int]) -> ColumnElement[bool]:
    after, until = (bindparam(name, type_=BigInteger) for name in ("after_id", "until_id"))
    return and_(member_id > after, member_id <= until)


def _entries() -> CTE:
    """Each entry beside what the entry before it makes one expect."""
    entry = ENTRIES.c
    over: dict[str, Any] = {"partition_by": entry.member_id, "order_by": entry.sequence}
    digest = chain.digest(
        func.lag(entry.digest, _int(1), chain.GENESIS).over(**over), {name: entry[name] for name in chain.COLUMNS}
    )
    owed = entry.balance_after - entry.debt_after
    borrowed = entry.debt_after - func.lag(entry.debt_after, _int(1), _ZERO).over(**over)
    reason = case(
        (
            entry.sequence != func.lag(entry.sequence, _int(1), _ZERO).over(**over) + _ONE,
            constant("entries before it are missing, or stand twice"),
        ),
        (entry.digest != digest, constant("it does not continue the chain: it, or the one before, was changed")),
        (
            owed != func.lag(owed, _int(1), _ZERO).over(**over) + entry.points,
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
            (entry.points + borrowed).label("opened_less_drawn"),
            func.coalesce(entry.store_id, _ZERO).label("store_id"),
            (entry.kind != constant(EntryKind.TRANSFER)).label("has_lots_of_its_store"),
            func.lead(_NO, _int(1), _YES).over(**over).label("is_last"),
            reason.label("reason"),
        )
        .where(_of_page(entry.member_id))
        .cte("entries")
    )


def _int(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)


_ENTRIES = _entries()


def _found(table: str, row: Any, reason: ColumnElement[str], member_id: Any, position: Any) -> Select[Any]:
    """Select rows that do not fit, by table and name of the row."""
    return select(
        member_id.label("member_id"),
        constant(table).label("table_name"),
        cast(row, Text).label("row_name"),
        reason.label("reason"),
        position.label("position"),
    )


def _broken_chains() -> Select[Any]:
    entry = _ENTRIES.c
    found = _found("ledger_entries", entry.id, entry.reason, entry.member_id, entry.sequence)
    return found.where(entry.reason.is_not(None))


def _movements_that_differ() -> Select[Any]:
    """Entries whose lots and draws do not add up or are of another store, and lots and draws of no entry.

    A transfer's lots keep the stores that issued them; nothing else moves points of another store than its own.
    """
    entry, lot, draw = _ENTRIES.c, LOTS.c, DRAWS.c
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
            lot.member_id, lot.entry_id, -lot.points, null(), null(), func.coalesce(lot.store_id, _ZERO), null()
        ).where(_of_page(lot.member_id)),
        select(
            draw.member_id, draw.entry_id, draw.points, null(), func.coalesce(draw.store_id, _ZERO), null(), null()
        ).where(_of_page(draw.member_id)),
    ).subquery("sides")
    side = sides.c
    sequence = func.max(side.sequence)
    is_of_another_store = or_(
        func.min(side.drawing_store) != func.max(side.drawing_store),
        and_(func.bool_and(side.has_lots_of_its_store), func.min(side.issuing_store) != func.max(side.issuing_store)),
    )
    differs = func.sum(side.points) != _ZERO
    reason = case(
        (sequence.is_(None), constant("lots or draws are there, but not the entry that made them")),
        (differs, constant("its lots and draws do not add up to its points")),
        else_=constant("one of its lots or draws is of another store"),
    )
    return (
        _found("ledger_entries", side.entry_id, reason, side.member_id, func.coalesce(sequence, _LATER))
        .group_by(side.member_id, side.entry_id)
        .having(or_(sequence.is_(None), differs, is_of_another_store))
    )


def _lots_that_differ() -> Select[Any]:
    """Lots that hold another rest than their draws leave, and draws on no lot."""
    sides = union_all(
        select(
            LOTS.c.member_id,
            LOTS.c.id.label("lot_id"),
            (LOTS.c.points - LOTS.c.remaining).label("points"),
            _YES.label("is_lot"),
        ).where(_of_page(LOTS.c.member_id)),
        select(DRAWS.c.member_id, DRAWS.c.lot_id, -DRAWS.c.points, _NO).where(_of_page(DRAWS.c.member_id)),
    ).subquery("sides")
    has_lot = func.bool_or(sides.c.is_lot)
    reason = case(
        (has_lot, constant("remaining is not its points less its draws")),
        else_=constant("draws are there, but not the lot they drew on"),
    )
    return (
        _found("lots", sides.c.lot_id, reason, sides.c.member_id, _LATER)
        .group_by(sides.c.member_id, sides.c.lot_id)
        .having(or_(~has_lot, func.sum(sides.c.points) != _ZERO))
    )


def _accounts_that_differ() -> Select[Any]:
    """Accounts that sum up otherwise than their entries, lots and holds; each side has one row for a member."""
    last, lots, holds = _last_entries(), _sums_of_lots(), _sums_of_holds()
    account = ACCOUNTS.c
    reason = case(
        (
            account.last_sequence != func.coalesce(last.c.sequence, _ZERO),
            constant("last_sequence is not its last entry's"),
        ),
        (
            account.chain_head != func.coalesce(last.c.digest, chain.GENESIS),
            constant("chain_head is not its last entry's digest"),
        ),
        (
            or_(
                account.balance != func.coalesce(last.c.balance_after, _ZERO),
                account.debt != func.coalesce(last.c.debt_after, _ZERO),
            ),
            constant("balance or debt is not its last entry's"),
        ),
        (account.balance != func.coalesce(lots.c.points, _ZERO), constant("balance is not what its lots hold")),
        (account.held != func.coalesce(holds.c.points, _ZERO), constant("held is not what its placed holds bind")),
        else_=None,
    )
    joined = ACCOUNTS
    for side in (last, lots, holds):
        joined = joined.outerjoin(side, side.c.member_id == account.member_id)  # type: ignore[assignment]
    found = _found("points_accounts", account.member_id, reason, account.member_id, _LAST).select_from(joined)
    return found.where(_of_page(account.member_id), reason.is_not(None))


def _accounts_that_are_missing() -> Select[Any]:
    """Members with entries or holds but no account."""
    members = union_all(
        select(_ENTRIES.c.member_id).where(_ENTRIES.c.is_last),
        select(HOLDS.c.member_id).where(_of_page(HOLDS.c.member_id)).distinct(),
    ).subquery("members")
    reason = constant("the member has entries or holds, but no points account")
    found = _found("points_accounts", members.c.member_id, reason, members.c.member_id, _ZERO)
    return found.where(~exists().where(ACCOUNTS.c.member_id == members.c.member_id)).distinct()


def _last_entries() -> FromClause:
    return select(_ENTRIES).where(_ENTRIES.c.is_last).subquery("last")


def _sums_of_lots() -> FromClause:
    columns = (LOTS.c.member_id, func.sum(LOTS.c.remaining).label("points"))
    return select(*columns).where(_of_page(LOTS.c.member_id)).group_by(LOTS.c.member_id).subquery("left")


def _sums_of_holds() -> FromClause:
    columns = (HOLDS.c.member_id, func.sum(HOLDS.c.points - HOLDS.c.captured_points).label("points"))
    placed = and_(_of_page(HOLDS.c.member_id), HOLDS.c.state == constant(HoldState.PLACED))
    return select(*columns).where(placed).group_by(HOLDS.c.member_id).subquery("placed")


_ALL = union_all(
    _broken_chains(),
    _movements_that_differ(),
    _lots_that_differ(),
    _accounts_that_differ(),
    _accounts_that_are_missing(),
).subquery("discrepancies")
PROOF = (
    select(_ALL.c.member_id, _ALL.c.table_name, _ALL.c.row_name, _ALL.c.reason)
    .order_by(_ALL.c.member_id, _ALL.c.position, _ALL.c.table_name, _ALL.c.row_name)
    .limit(bindparam("row_limit", type_=Integer))
)
"""Parameters: members above ``after_id`` up to ``until_id``, at most ``row_limit`` rows that do not fit."""
