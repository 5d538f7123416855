"""Adjustments queries: batches with their progress, and the lines that met a problem."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import Select, and_, any_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, aliased

from loyalty.adjustments.models import AdjustmentBatch, AdjustmentProblem, AdjustmentRow
from loyalty.adjustments.rules.batches import (
    UNDER_WAY,
    BatchNotFound,
    BatchState,
    Phase,
    Work,
    entry_prefix,
    subject_of,
)
from loyalty.adjustments.rules.lines import BadLine
from loyalty.adjustments.rules.single import Reason
from loyalty.approvals import queries as approvals
from loyalty.approvals.rules import ApprovalKind, ApprovalView
from loyalty.kernel import bulk
from loyalty.kernel.bulk import Progress
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.points.posting import ENTRIES
from loyalty.points.rules import EntryKind

Selected = TypeVar("Selected", bound=Select[Any])
_WORK_OF = {**UNDER_WAY, BatchState.APPLIED: Work.APPLY, BatchState.UNDONE: Work.UNDO}


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch as the console shows it."""

    id: int
    title: str
    reason: Reason
    expires_on: date | None
    state: BatchState
    fault: str | None
    credit_rows: int
    credit_points: int
    debit_rows: int
    debit_points: int
    bad_rows: int
    created_by: str
    created_at: datetime
    checked_at: datetime | None

    @property
    def rows(self) -> int:
        """How many good lines there are."""
        return self.credit_rows + self.debit_rows


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that met a problem."""

    line: int
    reason: BadLine
    figure: int | None


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """What a line did to its member's account."""

    line: int
    member_id: int
    entry_id: int
    balance_after: int


BATCH_ENTRY = (AdjustmentRow.line, ENTRIES.c.member_id, ENTRIES.c.id, ENTRIES.c.balance_after)
"""The columns of ``BatchEntry``, for ``with_entries``."""


def get_batch(session: Session, *, batch_id: int) -> BatchView:
    """Return a batch.

    Raises:
        BatchNotFound: there is no such batch.
    """
    batch = session.get(AdjustmentBatch, batch_id, populate_existing=True)
    if batch is None:
        raise BatchNotFound(batch_id=batch_id)
    return _view(batch)


def list_batches(
    session: Session,
    *,
    title: str = "",
    reason: Reason | None = None,
    state: BatchState | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[BatchView]:
    """Return a page of batches, newest first; ``title`` is a part of the batch's.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    query = select(AdjustmentBatch).order_by(AdjustmentBatch.id.desc()).limit(limit + 1)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(AdjustmentBatch.id < last_id)
    if title:
        query = query.where(AdjustmentBatch.title.icontains(title, autoescape=True))
    if reason is not None:
        query = query.where(AdjustmentBatch.reason == reason)
    if state is not None:
        query = query.where(AdjustmentBatch.state == state)
    batches = session.scalars(query.execution_options(populate_existing=True))
    return page_of([_view(batch) for batch in batches], limit=limit, id_of=lambda batch: batch.id)


def find_progress(session: Session, *, batch: BatchView) -> Progress | None:
    """Return how far the work that belongs to a batch's state has come."""
    work = _WORK_OF.get(batch.state)
    return bulk.find_progress(session, kind=work, subject=subject_of(batch.id)) if work else None


def find_telling(session: Session, *, batch_id: int) -> Progress | None:
    """Return how far the members of an applied batch have been told."""
    return bulk.find_progress(session, kind=Work.TELL, subject=subject_of(batch_id))


def find_approval(session: Session, *, batch_id: int) -> ApprovalView | None:
    """Return the request for approval of a batch."""
    return approvals.find_latest(session, kind=ApprovalKind.ADJUSTMENT_BATCH, subject=subject_of(batch_id))


def list_problems(
    session: Session, *, batch_id: int, phase: Phase, after_line: int = 0, limit: int = 100
) -> Sequence[Problem]:
    """Return lines that met a problem in a phase, in the order of the file; ``after_line`` is the cursor."""
    rows = session.execute(
        select(AdjustmentProblem.line, AdjustmentProblem.reason, AdjustmentProblem.figure)
        .where(
            AdjustmentProblem.batch_id == batch_id,
            AdjustmentProblem.phase == phase,
            AdjustmentProblem.line > after_line,
        )
        .order_by(AdjustmentProblem.line)
        .limit(limit)
    )
    return [Problem(row.line, BadLine(row.reason), row.figure) for row in rows]


def list_entries(session: Session, *, batch_id: int, after_line: int, limit: int) -> Sequence[BatchEntry]:
    """Return the entries that a batch made, in the order of its lines."""
    rows = session.execute(
        with_entries(select(*BATCH_ENTRY), batch_id=batch_id)
        .where(AdjustmentRow.line > after_line)
        .order_by(AdjustmentRow.line)
        .limit(limit)
    )
    return [BatchEntry(*row) for row in rows]


def with_entries(query: Selected, *, batch_id: int) -> Selected:
    """Let a query select from the lines of a batch and the entry of each.

    Of a member who was merged the entry is theirs or, where the merge came first, of whoever they had become by then.
    """
    family = aliased(Member)
    survived_by = or_(family.id == Member.merged_into_id, family.merged_into_id == Member.merged_into_id)
    family_ids = func.array(select(family.id).where(survived_by).scalar_subquery())
    is_entry = and_(
        ENTRIES.c.member_id == any_(case((Member.merged_into_id.is_(None), array([Member.id])), else_=family_ids)),
        ENTRIES.c.kind == literal(EntryKind.ADJUST.value),
        ENTRIES.c.reference == func.concat(entry_prefix(batch_id), AdjustmentRow.line),
    )
    return (
        query.select_from(AdjustmentRow)
        .join(Member, Member.id == AdjustmentRow.member_id)
        .join(ENTRIES, is_entry)
        .where(AdjustmentRow.batch_id == batch_id)
    )


def _view(batch: AdjustmentBatch) -> BatchView:
    return BatchView(
        id=batch.id,
        title=batch.title,
        reason=Reason(batch.reason),
        expires_on=batch.expires_on,
        state=BatchState(batch.state),
        fault=batch.fault,
        credit_rows=batch.credit_rows,
        credit_points=batch.credit_points,
        debit_rows=batch.debit_rows,
        debit_points=batch.debit_points,
        bad_rows=batch.bad_rows,
        created_by=batch.created_by,
        created_at=batch.created_at,
        checked_at=batch.checked_at,
    )
