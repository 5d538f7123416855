"""Limits with one counter each: several of them are taken together by one statement.

Their rows are locked in ascending order of their keys. A limit that nobody has used yet has no row; the statement
that uses it first writes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Date,
    FromClause,
    String,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from loyalty.kernel.prepared import send
from loyalty.limits.models import LimitCounter
from loyalty.limits.rules import Limit, last_day_of

_table = LimitCounter.__table__
assert isinstance(_table, Table)
COUNTERS = _table
KEY = ("subject", "entity", "period")
FIRST = literal_column("0", BigInteger)
AMOUNT = bindparam("amount", type_=BigInteger)

_COLUMNS = {"subject": String, "entity": String, "period": String, "last_on": Date, "ceiling": BigInteger}


def _parameters(limits: Sequence[Limit], **others: Any) -> Mapping[str, Any]:
    """Return limits as the arrays that the statements here take, in the order of locking."""
    rows = sorted(limits, key=lambda limit: limit.key)
    assert len({limit.key for limit in rows}) == len(rows), "a limit is reserved once in a call"
    columns = zip(*((*limit.key, last_day_of(limit.period), limit.ceiling) for limit in rows), strict=True)
    return {**dict(zip(map(_parameter, _COLUMNS), map(list, columns), strict=True)), **others}


def _parameter(column: str) -> str:
    return f"given_{column}"


def _given(name: str) -> FromClause:
    arrays: list[BindParameter[Any]] = [
        bindparam(_parameter(column), type_=ARRAY(type_)) for column, type_ in _COLUMNS.items()
    ]
    return func.unnest(*arrays).table_valued(*_COLUMNS, name=name).render_derived()


def _is_of(given: FromClause) -> Any:
    return and_(COUNTERS.c.bucket == FIRST, *(COUNTERS.c[name] == given.c[name] for name in KEY))


def _take() -> Any:
    # The look costs no lock: who comes too late is turned away without waiting for those who came in time.
    seen = _given("seen")
    is_out = exists().where(_is_of(seen), COUNTERS.c.used + AMOUNT > seen.c.ceiling)
    statement = _first_row(case((_GIVEN.c.ceiling >= AMOUNT, AMOUNT), else_=FIRST), ~is_out)
    given = statement.excluded
    used = COUNTERS.c.used + AMOUNT
    return statement.on_conflict_do_update(
        index_elements=[*KEY, "bucket"],
        set_={"used": used, "share": given.ceiling, "ceiling": given.ceiling},
        where=used <= given.ceiling,
    ).returning(*(COUNTERS.c[name] for name in KEY), COUNTERS.c.used)


def _first_row(used: Any, *conditions: Any) -> Insert:
    row = _GIVEN.c
    values = select(
        row.subject, row.entity, row.period, FIRST, used, row.ceiling, row.ceiling, row.last_on
    ).where(*conditions)  # fmt: skip
    names = [*KEY, "bucket", "used", "share", "ceiling", "last_on"]
    return insert(COUNTERS).from_select(names, values.order_by(*(row[name] for name in KEY)))


_GIVEN = _given("given")
_TAKE = _take()
_OPEN = _first_row(FIRST).on_conflict_do_nothing()
_LOOK = select(*(COUNTERS.c[name] for name in KEY), COUNTERS.c.used).join_from(COUNTERS, _GIVEN, _is_of(_GIVEN))
_LOCK = _LOOK.order_by(*(COUNTERS.c[name] for name in KEY)).with_for_update(of=COUNTERS, key_share=True)
_ADD = (
    update(COUNTERS)
    .where(_is_of(_GIVEN))
    .values(
        used=COUNTERS.c.used + AMOUNT,
        share=func.greatest(_GIVEN.c.ceiling, COUNTERS.c.used + AMOUNT),
        ceiling=_GIVEN.c.ceiling,
    )
)


def take(session: Session, limits: Sequence[Limit], amount: int) -> bool:
    """Take ``amount`` from all of the limits, or nothing when one of them has less left."""
    rows = send(session, _TAKE, _parameters(limits, amount=amount))
    taken = {(row.subject, row.entity, row.period) for row in rows if row.used >= amount}
    if len(taken) == len(limits):
        return True
    # A race after the look: all rows are locked by now, so that what was taken can be undone exactly.
    add(session, [limit for limit in limits if limit.key in taken], -amount)
    return False


def left(session: Session, limits: Sequence[Limit]) -> Sequence[int]:
    """Return what is left of each limit at this moment, locking nothing."""
    return _left(session, limits, _LOOK)


def used(session: Session, limits: Sequence[Limit]) -> Mapping[tuple[str, str, str], int]:
    """Return how much is used of those limits that have a row, locking nothing."""
    return _used(session, limits, _LOOK)


def lock(session: Session, limits: Sequence[Limit]) -> Sequence[int]:
    """Hold the limits until the transaction ends; return what is left of each."""
    session.execute(_OPEN, _parameters(limits))
    return _left(session, limits, _LOCK)


def add(session: Session, limits: Sequence[Limit], amount: int) -> None:
    """Add to limits that this transaction holds and whose room is known; a negative amount takes away."""
    if limits and amount:
        session.execute(_ADD, _parameters(limits, amount=amount))


def lock_existing(session: Session, limits: Sequence[Limit]) -> Mapping[tuple[str, str, str], int]:
    """Hold those limits that have a row; return what of each is used."""
    return _used(session, limits, _LOCK)


def _left(session: Session, limits: Sequence[Limit], statement: Any) -> Sequence[int]:
    used = _used(session, limits, statement)
    return [limit.ceiling - used.get(limit.key, 0) for limit in limits]


def _used(session: Session, limits: Sequence[Limit], statement: Any) -> Mapping[tuple[str, str, str], int]:
    rows = send(session, statement, _parameters(limits))
    return {(row.subject, row.entity, row.period): row.used for row in rows}
