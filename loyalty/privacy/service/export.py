"""Export (个人信息副本): all that is held on a person, readable, as JSON (PIPL, article 45)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Row, Table, select
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.members.queries import require_living
from loyalty.privacy.belongings import Person, declared_tables, person_of


def export_data(session: Session, *, vault: Vault, member_id: int, actor: Actor | None = None, at: datetime) -> Json:
    """Return every row about a person from every table that is declared for it, audited.

    Sealed values are opened; what only machines can read (digests, blind indexes) is left out.

    Raises:
        MemberNotFound, MemberGone: there is no such living member.
    """
    require_living(session, member_id=member_id)
    session.flush()
    person = person_of(session, member_id=member_id)
    subject = f"member:{member_id}"
    audit.write(session, actor=actor or Actor(subject), action="privacy.export", subject=subject, at=at)
    tables = [table for table in declared_tables() if table.info["member_data"]["export"]]
    data = {table.name: _rows(session, table, person, vault) for table in tables}
    return {"exported_at": at.isoformat(), "member_id": member_id, "data": data}


def _rows(session: Session, table: Table, person: Person, vault: Vault) -> list[Json]:
    columns = [column for column in table.columns if _is_readable(column)]
    query = select(*columns).where(person.owns(table)).order_by(*table.primary_key)
    return [_row(columns, row, vault) for row in session.execute(query)]


def _is_readable(column: Column[Any]) -> bool:
    return "sealed" in column.info or column.type.python_type is not bytes


def _row(columns: list[Column[Any]], row: Row[Any], vault: Vault) -> Json:
    return {
        column.name.removesuffix("_sealed"): _value(value, column.info.get("sealed"), vault)
        for column, value in zip(columns, row, strict=True)
    }


def _value(value: Any, context: str | None, vault: Vault) -> Any:
    if value is not None and context is not None:
        return vault.open(value, context=context)
    return value.isoformat() if isinstance(value, datetime | date) else value
