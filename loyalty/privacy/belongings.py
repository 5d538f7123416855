"""What belongs to a person, found by declaration: ``info`` of tables and of columns.

A table belongs to who its ``member_id`` names, or else to whose ``identity_id`` it holds. A column
with ``personal`` is erased; one with ``sealed`` names the vault's context for reading it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Table, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Base
from loyalty.members.models import Identity, Member
from loyalty.members.queries import family_of


@dataclass(frozen=True, slots=True)
class Person:
    """A member with all who were merged into it, and all their identities."""

    member_ids: Sequence[int]
    identity_ids: Sequence[int]

    def owns(self, table: Table) -> ColumnElement[bool]:
        """Return the condition under which a row of a table is theirs."""
        if table.name == Member.__tablename__:
            return table.c.id.in_(self.member_ids)
        if "member_id" in table.c:
            return table.c.member_id.in_(self.member_ids)
        return table.c.identity_id.in_(self.identity_ids)


def person_of(session: Session, *, member_id: int) -> Person:
    """Return the person behind a member."""
    member_ids = family_of(session, member_id=member_id)
    identities = select(Identity.id).where(Identity.member_id.in_(member_ids)).order_by(Identity.id)
    return Person(member_ids, session.scalars(identities).all())


def declared_tables() -> list[Table]:
    """Return every table that holds something of a person, those that others refer to first."""
    return [table for table in Base.metadata.sorted_tables if "member_data" in table.info]


def personal_columns(table: Table) -> list[Column[object]]:
    """Return the columns that an erasure empties."""
    return [column for column in table.columns if column.info.get("personal")]
