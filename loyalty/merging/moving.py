"""Moves a merged member's rows, table by table, by what each table declares.

A row that the survivor has already under the same key (a notice about the same thing, a consent to
the same text) stays with the merged member and is read through ``merged_into_id``.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, FromClause, Table, UniqueConstraint, exists, select, update
from sqlalchemy.orm import Session

from loyalty.kernel.database import Base


def move_rows(session: Session, *, survivor_id: int, other_id: int) -> dict[str, list[int | str]]:
    """Give the survivor every row that is declared to move; return their ids by table."""
    moved = {}
    for table in tables_that_move():
        ids = _move(session, table, survivor_id, other_id)
        if ids:
            moved[table.name] = ids
    return moved


def tables_that_move() -> list[Table]:
    """Return the tables whose rows a merge moves, those that others refer to first."""
    return [table for table in Base.metadata.sorted_tables if table.info.get("member_data", {}).get("merge") == "move"]


def _move(session: Session, table: Table, survivor_id: int, other_id: int) -> list[int | str]:
    held = table.alias("held")
    taken = [
        exists(select(held.c.member_id).where(held.c.member_id == survivor_id, *_same(table, held, names)))
        for names in _keys(table)
    ]
    names = [column for column in table.primary_key if column.name != "member_id"]
    rows = session.execute(
        update(table)
        .where(table.c.member_id == other_id, *(~condition for condition in taken))
        .values(member_id=survivor_id)
        .returning(*names)
        .execution_options(synchronize_session=False)
    )
    return sorted(row[0] for row in rows)


def _keys(table: Table) -> Iterator[list[str]]:
    """Yield, for each unique key with the member in it, the columns beside the member."""
    uniques = [constraint.columns for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    indexes = [index.columns for index in table.indexes if index.unique]
    for columns in (table.primary_key.columns, *uniques, *indexes):
        names = [column.name for column in columns]
        if "member_id" in names and len(names) > 1:
            yield [name for name in names if name != "member_id"]


def _same(table: Table, held: FromClause, names: list[str]) -> list[ColumnElement[bool]]:
    return [table.c[name] == held.c[name] for name in names]
