"""States (状态): how a row comes from one into the next; two who try at once meet at the row, and one is too late."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import update
from sqlalchemy.orm import Session

State = TypeVar("State", bound=StrEnum)


def advance(
    session: Session,
    *,
    table: Any,
    row_id: int,
    to: State,
    following: Mapping[State, frozenset[State]],
    **values: object,
) -> bool:
    """Bring a row into a state that may follow its present one, and tell whether it did; ``values`` change with it."""
    before = [state for state, after in following.items() if to in after]
    moved = session.execute(
        update(table)
        .where(table.id == row_id, table.state.in_(before))
        .values(state=to, **values)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    ).first()
    return moved is not None
