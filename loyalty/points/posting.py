"""Posting (记账): the statement that changes balances, for one member or for a million.

A source says who gets how many points and why, one row for each entry and at most one for each member. One
data-modifying statement then moves the accounts, appends the entries with their digests, opens or draws lots and
records the events. The accounts are joined, never looked up beside the update: when another transaction holds a
row, PostgreSQL evaluates the join again on the row as it has become, so that no update is lost.

A credit pays the member's debt first and opens its lot with the rest. Other entries change the debt by the source's
``debt_change``, if it has one; what they move in lots and in debt must add up to their points.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from loyalty.kernel.outbox import OutboxEvent
from loyalty.points import chain, lifetimes
from loyalty.points.models import ENTRY_IDS, Draw, LedgerEntry, Lot, PointsAccount
from loyalty.points.rules import EntryKind

TERMS = ("opened_at", "available_at", "expires_at")
"""Columns that a source of credits has besides those of an entry."""
IDLE_TERMS = ("idle_days", "idle_zone")
"""Columns that a source of credits may have: see ``Lot``."""


def table_of(model: Any) -> Table:
    """Return a model's table: statements on tables bypass the unit of work and its cost."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


ACCOUNTS, ENTRIES, LOTS, DRAWS, EVENTS = map(table_of, (PointsAccount, LedgerEntry, Lot, Draw, OutboxEvent))
_TYPES = {column.name: column.type for table in (LOTS, ENTRIES) for column in table.columns}
_PREFIX = "given_"
_NOT_KEPT = {"explanation", "seen_sequence", "debt_change"}
"""Columns of a source that its entry does not take over as they are."""
_ZERO, _ONE = (literal_column(number, BigInteger) for number in ("0", "1"))
_Explaining = Callable[[ColumnElement[Any], ColumnElement[int]], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Posting:
    """What an entry did; a replay tells what the first call did."""

    entry_id: int
    sequence: int
    points: int
    balance_after: int
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Writes:
    """The parts of a posting, for a statement to read from and to carry along."""

    moved: CTE
    """One row for each entry, with the account's new sequence and balance."""
    effects: tuple[CTE, ...]

    def rows(self) -> Select[Any]:
        """Return the whole statement; its rows are the columns of ``Posting``."""
        row = self.moved.c
        return select(row.entry_id, row.sequence, row.points, row.balance_after).add_cte(*self.effects)


def post_credits(source: CTE, *, event: str | None) -> Writes:
    """Post entries that each open one lot (入账), with the source's terms; no lot when all of it pays debt."""
    debt_change = -func.least(ACCOUNTS.c.debt, source.c.points)
    moved = _moved(source, debt_change, explained=_told_of_debt)
    return _writes(moved, [_entries(moved), _lots(moved, moved), _lapsed(moved)], event)


def post_new_lots(source: CTE, lots: FromClause, *, event: str | None) -> Writes:
    """Post entries that each open the lots given for their member, in the order of their ``position``.

    Each lot has its own terms and store.
    """
    moved = _moved(source, _debt_change_of(source))
    return _writes(moved, [_entries(moved), _lots(moved, lots)], event)


def post_draws(source: CTE, draws: FromClause, *, event: str | None) -> Writes:
    """Post entries that take points from lots, or put them back: the draws given for their member.

    The caller holds the accounts' locks since before it read the lots. An entry may have no draws.
    """
    moved = _moved(source, _debt_change_of(source))
    return _writes(moved, [_entries(moved), *_drawn(moved, draws), _lapsed(moved, draws)], event)


def given(**values: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Return the columns of a source: an id for each entry, and the columns of the entry and its lot that are given."""
    return [ENTRY_IDS.next_value().label("entry_id"), *(value.label(name) for name, value in values.items())]


def parameter(name: str, type_: TypeEngine[Any] | None = None) -> BindParameter[Any]:
    """Return a parameter, by default for the column of an entry or a lot of that name; see ``parameters``."""
    return bindparam(_PREFIX + name, type_=type_ or _TYPES[name])


def parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values under the names by which a posting's statement takes them.

    SQLAlchemy would take a parameter with the bare name of an updated column for a new value of that column.
    """
    return {_PREFIX + name: value for name, value in values.items()}


def lot_amounts() -> FromClause:
    """Return the lots and points that the caller sends as the arrays ``lot_ids`` and ``lot_points``."""
    arrays = [parameter(name, ARRAY(BigInteger)) for name in ("lot_ids", "lot_points")]
    return func.unnest(*arrays).table_valued("lot_id", "points", name="amounts").render_derived()


def constant(text: str) -> ColumnElement[str]:
    """Return a text that is part of the statement and never sent as a parameter."""
    quoted = text.replace("'", "''")
    return literal_column(f"'{quoted}'", Text)


def pairs(names: Sequence[str], row: Any) -> list[ColumnElement[Any]]:
    """Return names and values of a row's columns in turn, as ``jsonb_build_object`` takes them."""
    return [part for name in names for part in (constant(name), row[name])]


def _debt_change_of(source: CTE) -> ColumnElement[int]:
    return source.c.debt_change if "debt_change" in source.c else _ZERO


def _as_given(explanation: ColumnElement[Any], _debt_change: ColumnElement[int]) -> ColumnElement[Any]:
    return explanation


def _told_of_debt(explanation: ColumnElement[Any], debt_change: ColumnElement[int]) -> ColumnElement[Any]:
    """Let a credit that pays debt say how much, since only the account knows."""
    paid = func.jsonb_build_object(constant("debt_paid"), -debt_change)
    return case((debt_change < _ZERO, explanation.op("||")(paid)), else_=explanation)


def _moved(source: CTE, debt_change: ColumnElement[int], *, explained: _Explaining = _as_given) -> CTE:
    """Move the accounts; the source's ``seen_sequence``, if any, must still be the account's last."""
    row, account = source.c, ACCOUNTS.c
    after = {
        "sequence": account.last_sequence + _ONE,
        "balance_after": account.balance + row.points + debt_change,
        "debt_after": account.debt + debt_change,
        "explanation": explained(row.explanation, debt_change),
    }
    moved = (
        update(ACCOUNTS)
        .where(account.member_id == row.member_id)
        .values(
            balance=after["balance_after"],
            debt=after["debt_after"],
            last_debt_change=debt_change,
            last_sequence=after["sequence"],
            chain_head=chain.digest(account.chain_head, {**row, **after, "id": row.entry_id}),
            last_activity_at=case(
                (_is_activity(row.kind), func.greatest(account.last_activity_at, row.recorded_at)),
                else_=account.last_activity_at,
            ),
        )
        .returning(
            *(column for column in row if column.name not in _NOT_KEPT),
            explained(row.explanation, account.last_debt_change).label("explanation"),
            (row.points + account.last_debt_change).label("moved_points"),
            account.last_sequence.label("sequence"),
            account.balance.label("balance_after"),
            account.debt.label("debt_after"),
            account.chain_head.label("digest"),
        )
    )
    if "seen_sequence" in row:
        moved = moved.where(account.last_sequence == row.seen_sequence)
    return moved.cte("moved")


def _entries(moved: CTE) -> CTE:
    names = [column.name for column in ENTRIES.columns if column.name in moved.c]
    return (
        insert(ENTRIES)
        .from_select(["id", *names], select(moved.c.entry_id, *(moved.c[name] for name in names)))
        .cte("entered")
    )


def _lots(moved: CTE, lots: FromClause) -> CTE:
    lot = lots.c
    points = moved.c.moved_points if lots is moved else lot.points
    values = select(moved.c.member_id, moved.c.entry_id, points, points, *(lot[name] for name in TERMS), lot.store_id)
    if lots is moved:
        values = values.where(points > _ZERO)
    else:
        values = values.join_from(moved, lots, lot.member_id == moved.c.member_id).order_by(lot.position)
    idle = [name for name in IDLE_TERMS if name in lot]
    names = ["member_id", "entry_id", "points", "remaining", *TERMS, "store_id", *idle]
    return insert(LOTS).from_select(names, values.add_columns(*(lot[name] for name in idle))).cte("opened")


def _is_activity(kind: ColumnElement[str]) -> ColumnElement[bool]:
    """Tell what keeps points alive that live since the last activity: what members do, not what is done to them."""
    return kind.in_([constant(EntryKind.EARN), constant(EntryKind.SPEND)])


def _lapsed(moved: CTE, draws: FromClause | None = None) -> CTE:
    """Make final the expiry of lots that inactivity had ended before this entry, which would revive them."""
    before = ACCOUNTS.alias("before")  # as it was when the statement began
    lapsed = update(LOTS).where(
        LOTS.c.member_id == moved.c.member_id,
        before.c.member_id == moved.c.member_id,
        _is_activity(moved.c.kind),
        LOTS.c.remaining > _ZERO,
        lifetimes.is_lapsed(LOTS, before, moved.c.recorded_at),
    )
    if draws is not None:  # nothing updates a row twice; only a capture draws on what has lapsed meanwhile
        lapsed = lapsed.where(LOTS.c.id.not_in(select(draws.c.lot_id)))
    return lapsed.values(expires_at=lifetimes.ends_at(LOTS, before)).cte("lapsed")


def _drawn(moved: CTE, draws: FromClause) -> list[CTE]:
    draw = draws.c
    values = select(moved.c.member_id, moved.c.entry_id, draw.lot_id, draw.points, moved.c.store_id).join_from(
        moved, draws, draw.member_id == moved.c.member_id
    )
    names = ["member_id", "entry_id", "lot_id", "points", "store_id"]
    written = insert(DRAWS).from_select(names, values).returning(DRAWS.c.member_id, DRAWS.c.lot_id, DRAWS.c.points)
    # From the rows written: joined to what moved once more, a kept plan would compare each with every other.
    rows = written.cte("draw_rows")
    lots = (
        update(LOTS)
        .where(LOTS.c.member_id == rows.c.member_id, LOTS.c.id == rows.c.lot_id)
        .values(remaining=LOTS.c.remaining - rows.c.points)
        .cte("drawn")
    )
    return [rows, lots]


def _writes(moved: CTE, effects: list[CTE], event: str | None) -> Writes:
    announced = [] if event is None else [_events(moved, event)]
    return Writes(moved, (*effects, *announced))


def _events(moved: CTE, kind: str) -> CTE:
    row = moved.c
    payload = func.jsonb_build_object(
        *pairs(("member_id", "entry_id", "kind", "points", "balance_after", "reference"), row),
        constant("source"),
        func.split_part(row.reference, constant(":"), _ONE),
    )
    values = select(constant(kind), payload, row.recorded_at)
    return insert(EVENTS).from_select(["kind", "payload", "recorded_at"], values).cte("announced")
