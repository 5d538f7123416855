"""Rows of a batch as the work on it takes them: by page, each with the member it concerns by now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from loyalty.adjustments.models import AdjustmentRow
from loyalty.members.models import Member


@dataclass(frozen=True, slots=True)
class Row:
    """One line, and who stands for its member: after a merge that is the survivor."""

    line: int
    points: int
    expires_on: date | None
    member_id: int
    status: str


def list_rows(session: Session, *, batch_id: int, after_line: int, limit: int) -> Sequence[Row]:
    """Return the rows that follow a line."""
    owner = aliased(Member)
    rows = session.execute(
        select(AdjustmentRow.line, AdjustmentRow.points, AdjustmentRow.expires_on, owner.id, owner.status)
        .join(Member, Member.id == AdjustmentRow.member_id)
        .join(owner, owner.id == func.coalesce(Member.merged_into_id, Member.id))
        .where(AdjustmentRow.batch_id == batch_id, AdjustmentRow.line > after_line)
        .order_by(AdjustmentRow.line)
        .limit(limit)
    )
    return [Row(*row) for row in rows]


def rounds_of(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Split rows so that each round names a member once: two members of a batch may have been merged since."""
    while rows:
        first: dict[int, Row] = {}
        for row in rows:
            first.setdefault(row.member_id, row)
        taken = {row.line for row in first.values()}
        yield list(first.values())
        rows = [row for row in rows if row.line not in taken]
