"""Key rotation (密钥轮换): everything sealed under an older key is sealed anew under the current one.

Runs beside live traffic: a page is one transaction, and a value that somebody changed since it was
read stays as they wrote it. Columns are found by their declaration (``info["sealed"]``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, LargeBinary, Row, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import SealBroken, Vault
from loyalty.kernel.database import Base, Database
from loyalty.kernel.transaction import run

PAGE_ROWS = 500


@dataclass(frozen=True, slots=True)
class RotatedColumn:
    """What became of one column."""

    name: str
    resealed: int
    unreadable: int
    """Values that no key of the ring opens; they were left as they are."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many values of one column are sealed under one key."""

    column: str
    key_id: str
    values: int


@dataclass(frozen=True, slots=True)
class _Page:
    resealed: int
    unreadable: int
    last: int | None
    """The key of the last row that was read; None when no row is left."""


def sealed_columns() -> list[Column[Any]]:
    """Return every column that holds what the vault sealed."""
    return [column for table in Base.metadata.sorted_tables for column in table.columns if "sealed" in column.info]


def rotate_keys(database: Database, *, vault: Vault, page_rows: int = PAGE_ROWS) -> Iterator[RotatedColumn]:
    """Seal anew what is not under the current key, column by column; a second time finds nothing.

    Every process has to run with the new key already, or what it writes meanwhile is under the old one.
    """
    for column in sealed_columns():
        yield _rotate(database, vault, column, page_rows)


def count_by_key(session: Session) -> list[KeyUse]:
    """Return how many values are under each key id: a key with none may leave the ring."""
    return [use for column in sealed_columns() for use in _uses(session, column)]


def _rotate(database: Database, vault: Vault, column: Column[Any], page_rows: int) -> RotatedColumn:
    resealed = unreadable = 0
    after: int | None = 0
    while after is not None:
        page = run(database, partial(_reseal_page, vault=vault, column=column, after=after, limit=page_rows))
        resealed, unreadable, after = resealed + page.resealed, unreadable + page.unreadable, page.last
    return RotatedColumn(str(column), resealed, unreadable)


def _reseal_page(session: Session, *, vault: Vault, column: Column[Any], after: int, limit: int) -> _Page:
    rows = _under_older_keys(session, vault, column, after, limit)
    changes = []
    for row in rows:
        try:
            plain = vault.open(row.old, context=column.info["sealed"])
        except SealBroken:
            continue
        new = vault.seal(plain, context=column.info["sealed"])
        changes.append({"row_id": row.row_id, "old": row.old, "new": new})
    resealed = _replace(session, column, changes) if changes else 0
    return _Page(resealed, len(rows) - len(changes), rows[-1].row_id if rows else None)


def _under_older_keys(session: Session, vault: Vault, column: Column[Any], after: int, limit: int) -> list[Row[Any]]:
    mark, row_id = vault.current_mark, _row_id(column)
    is_older = func.substring(column, 1, len(mark), type_=LargeBinary) != mark
    query = select(row_id.label("row_id"), column.label("old")).where(row_id > after, column.is_not(None), is_older)
    return list(session.execute(query.order_by(row_id).limit(limit)))


def _replace(session: Session, column: Column[Any], changes: list[dict[str, Any]]) -> int:
    """Write the new values where the old ones still stand, in the order of the rows' ids."""
    unchanged = (_row_id(column) == bindparam("row_id"), column == bindparam("old"))
    statement = update(column.table).where(*unchanged).values({column.name: bindparam("new")})
    return session.connection().execute(statement, changes).rowcount


def _uses(session: Session, column: Column[Any]) -> list[KeyUse]:
    length = func.get_byte(column, 0)
    key_id = case((func.octet_length(column) > 0, func.substring(column, 2, length, type_=LargeBinary)))
    counts = select(key_id, func.count()).where(column.is_not(None)).group_by(key_id).order_by(key_id)
    return [
        KeyUse(str(column), (key or b"").decode(errors="replace"), values) for key, values in session.execute(counts)
    ]


def _row_id(column: Column[Any]) -> Column[Any]:
    (row_id,) = column.table.primary_key
    return row_id
