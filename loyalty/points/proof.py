"""The proof of a page of members: one statement that returns the rows that do not fit, each with a reason.

It reads accounts, entries, lots, draws and holds of a range of members and compares what each says of the others.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from loyalty.points import chain
from loyalty.points.models import Hold
from loyalty.points.posting import ACCOUNTS, DRAWS, ENTRIES, LOTS, constant, table_of
from loyalty.points.rules import HoldState

HOLDS = table_of(Hold)
_ZERO = literal_column("0", BigInteger)
_ONE = literal_column("1", BigInteger)


def _of_page(member_id: ColumnElement[int]) -> ColumnElement[bool]:
    after, until = (bindparam(name, type_=BigInteger) for name in ("after_id", "until_id"))
    return and_(member_id > after, member_id <= until)


def _sums(table: Any, *keys: str, points: str = "points", name: str) -> FromClause:
    """Sum up the points of a table's rows by some of its columns."""
    columns = [table.c.member_id, *(table.c[key] for key in keys)]
    total = cast(func.sum(table.c[points]), BigInteger).label("points")
    return select(*columns, total).where(_of_page(table.c.member_id)).group_by(*columns).cte(name)


def _entries() -> FromClause:
    """Each entry beside what the entry before it makes one expect."""
    entry = ENTRIES.c
    over: dict[str, Any] = {"partition_by": entry.member_id, "order_by": entry.sequence}
    before = func.lag(entry.digest, 1, chain.GENESIS).over(**over)
    owed = entry.balance_after - entry.debt_after
    return (
        select(
            entry.member_id,
            entry.id,
            entry.sequence,
            entry.points,
            entry.balance_after,
            entry.debt_after,
            entry.digest,
            chain.digest(before, {name: entry[name] for name in chain.COLUMNS}).label("expected"),
            (func.lag(entry.sequence, 1, _ZERO).over(**over) + _ONE).label("expected_sequence"),
            (func.lag(owed, 1, _ZERO).over(**over) + entry.points).label("expected_owed"),
            (entry.debt_after - func.lag(entry.debt_after, 1, _ZERO).over(**over)).label("borrowed"),
            func.lead(_ONE, 1, _ZERO).over(**over).label("has_next"),
        )
        .where(_of_page(entry.member_id))
        .cte("entries")
    )


_ENTRIES = _entries()
_OPENED = _sums(LOTS, "entry_id", name="opened")
_DRAWN = _sums(DRAWS, "entry_id", name="drawn")
_DRAWN_FROM = _sums(DRAWS, "lot_id", name="drawn_from")
_REMAINING = _sums(LOTS, points="remaining", name="remaining")
_HELD = (
    select(HOLDS.c.member_id, cast(func.sum(HOLDS.c.points - HOLDS.c.captured_points), BigInteger).label("points"))
    .where(_of_page(HOLDS.c.member_id), HOLDS.c.state == constant(HoldState.PLACED))
    .group_by(HOLDS.c.member_id)
    .cte("placed")
)


def _points(sums: FromClause) -> ColumnElement[int]:
    return func.coalesce(sums.c.points, _ZERO)


def _rows(
    table: str, position: ColumnElement[int], reason: ColumnElement[str], member_id: Any, row: Any
) -> Select[Any]:
    """Select rows that have a reason, named by table and row."""
    return select(
        member_id.label("member_id"),
        constant(table).label("table_name"),
        cast(row, Text).label("row_name"),
        reason.label("reason"),
        position.label("position"),
    ).where(reason.is_not(None))


def _bad_entries() -> Select[Any]:
    entry = _ENTRIES.c
    reason = case(
        (ACCOUNTS.c.member_id.is_(None), constant("the member has no points account")),
        (entry.sequence != entry.expected_sequence, constant("entries before it are missing, or stand twice")),
        (
            entry.digest != entry.expected,
            constant("it does not continue the chain: it, or the one before, was changed"),
        ),
        (
            entry.balance_after - entry.debt_after != entry.expected_owed,
            constant("balance_after is not the balance before plus its points"),
        ),
        (
            entry.points != _points(_OPENED) - _points(_DRAWN) - entry.borrowed,
            constant("its lots and draws do not add up to its points"),
        ),
        else_=None,
    )
    return (
        _rows("ledger_entries", entry.sequence, reason, entry.member_id, entry.id)
        .select_from(_ENTRIES)
        .outerjoin(ACCOUNTS, ACCOUNTS.c.member_id == entry.member_id)
        .outerjoin(_OPENED, and_(_OPENED.c.member_id == entry.member_id, _OPENED.c.entry_id == entry.id))
        .outerjoin(_DRAWN, and_(_DRAWN.c.member_id == entry.member_id, _DRAWN.c.entry_id == entry.id))
    )


def _bad_lots() -> Select[Any]:
    lot = LOTS.c
    reason = case(
        (_ENTRIES.c.id.is_(None), constant("the entry that opened it is missing")),
        (lot.remaining != lot.points - _points(_DRAWN_FROM), constant("remaining is not its points less its draws")),
        else_=None,
    )
    return (
        _rows("lots", _AFTER_ENTRIES, reason, lot.member_id, lot.id)
        .select_from(LOTS)
        .outerjoin(_ENTRIES, and_(_ENTRIES.c.member_id == lot.member_id, _ENTRIES.c.id == lot.entry_id))
        .outerjoin(_DRAWN_FROM, and_(_DRAWN_FROM.c.member_id == lot.member_id, _DRAWN_FROM.c.lot_id == lot.id))
        .where(_of_page(lot.member_id))
    )


def _bad_draws() -> Select[Any]:
    draw = DRAWS.c
    reason = case(
        (_ENTRIES.c.id.is_(None), constant("the entry that made it is missing")),
        (LOTS.c.id.is_(None), constant("the lot it drew on is missing")),
        else_=None,
    )
    name = func.concat(draw.entry_id, constant("/"), draw.lot_id)
    return (
        _rows("draws", _AFTER_ENTRIES, reason, draw.member_id, name)
        .select_from(DRAWS)
        .outerjoin(_ENTRIES, and_(_ENTRIES.c.member_id == draw.member_id, _ENTRIES.c.id == draw.entry_id))
        .outerjoin(LOTS, and_(LOTS.c.member_id == draw.member_id, LOTS.c.id == draw.lot_id))
        .where(_of_page(draw.member_id))
    )


def _bad_accounts() -> Select[Any]:
    account, last = ACCOUNTS.c, _ENTRIES.c
    reason = case(
        (
            account.last_sequence != func.coalesce(last.sequence, _ZERO),
            constant("last_sequence is not its last entry's"),
        ),
        (
            account.chain_head != func.coalesce(last.digest, chain.GENESIS),
            constant("chain_head is not its last entry's digest"),
        ),
        (
            or_(
                account.balance != func.coalesce(last.balance_after, _ZERO),
                account.debt != func.coalesce(last.debt_after, _ZERO),
            ),
            constant("balance or debt is not its last entry's"),
        ),
        (account.balance != _points(_REMAINING), constant("balance is not what its lots hold")),
        (account.held != _points(_HELD), constant("held is not what its placed holds bind")),
        else_=None,
    )
    is_last = and_(last.member_id == account.member_id, last.has_next == _ZERO)
    return (
        _rows("points_accounts", _AFTER_ALL, reason, account.member_id, account.member_id)
        .select_from(ACCOUNTS)
        .outerjoin(_ENTRIES, is_last)
        .outerjoin(_REMAINING, _REMAINING.c.member_id == account.member_id)
        .outerjoin(_HELD, _HELD.c.member_id == account.member_id)
        .where(_of_page(account.member_id))
    )


def _bad_holds() -> Select[Any]:
    reason = case((ACCOUNTS.c.member_id.is_(None), constant("the member has no points account")), else_=None)
    return (
        _rows("holds", _AFTER_ALL, reason, HOLDS.c.member_id, HOLDS.c.id)
        .select_from(HOLDS)
        .outerjoin(ACCOUNTS, ACCOUNTS.c.member_id == HOLDS.c.member_id)
        .where(_of_page(HOLDS.c.member_id))
    )


# A member's entries in their order, then lots and draws, then what sums them up: the first row names the cause.
_AFTER_ENTRIES = literal_column(str(2**62), BigInteger)
_AFTER_ALL = literal_column(str(2**62 + 1), BigInteger)
_ALL = union_all(_bad_entries(), _bad_lots(), _bad_draws(), _bad_accounts(), _bad_holds()).subquery("discrepancies")
PROOF = (
    select(_ALL.c.member_id, _ALL.c.table_name, _ALL.c.row_name, _ALL.c.reason)
    .order_by(_ALL.c.member_id, _ALL.c.position, _ALL.c.table_name, _ALL.c.row_name)
    .limit(bindparam("row_limit", type_=Integer))
)
