"""Batches as the console sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel import bulk
from loyalty.kernel.bulk import Progress
from loyalty.payouts.models import BatchMiss, PayoutBatch
from loyalty.payouts.rules.batches import BatchState, Work, subject_of
from loyalty.payouts.rules.errors import PayoutBatchNotFound


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch."""

    id: int
    business_on: date
    state: BatchState
    minimum_fen: int
    members_count: int
    total_fen: int
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Miss:
    """A member whom a batch could not pay, and the code of the refusal."""

    member_id: int
    reason: str


def get_batch(session: Session, *, batch_id: int) -> BatchView:
    """Return a batch.

    Raises:
        PayoutBatchNotFound: there is none.
    """
    batch = session.get(PayoutBatch, batch_id, populate_existing=True)
    if batch is None:
        raise PayoutBatchNotFound(batch_id=batch_id)
    return _view(batch)


def list_batches(session: Session, *, limit: int = 50) -> Sequence[BatchView]:
    """Return batches, the latest first."""
    query = select(PayoutBatch).order_by(PayoutBatch.id.desc()).limit(limit)
    return [_view(batch) for batch in session.scalars(query.execution_options(populate_existing=True))]


def list_misses(session: Session, *, batch_id: int, limit: int = 500) -> Sequence[Miss]:
    """Return whom a batch could not pay, and why."""
    query = select(BatchMiss.member_id, BatchMiss.reason).where(BatchMiss.batch_id == batch_id)
    return [Miss(*row) for row in session.execute(query.order_by(BatchMiss.member_id).limit(limit))]


def find_progress(session: Session, *, batch_id: int) -> Progress | None:
    """Return how far the paying of a batch has come."""
    return bulk.find_progress(session, kind=Work.PAY, subject=subject_of(batch_id))


def _view(batch: PayoutBatch) -> BatchView:
    return BatchView(
        id=batch.id,
        business_on=batch.business_on,
        state=BatchState(batch.state),
        minimum_fen=batch.minimum_fen,
        members_count=batch.members_count,
        total_fen=batch.total_fen,
        created_by=batch.created_by,
        created_at=batch.created_at,
    )
