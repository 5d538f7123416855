"""Batches (批量打款): everybody who has enough to withdraw is paid on a day of the month."""

from collections.abc import Mapping
from enum import StrEnum


class BatchState(StrEnum):
    """Where a batch stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    REFUSED = "refused"


class Work(StrEnum):
    """What is done in pages."""

    PAY = "payouts.pay_batch"


NEXT: Mapping[BatchState, frozenset[BatchState]] = {
    BatchState.AWAITING_APPROVAL: frozenset({BatchState.RUNNING, BatchState.REFUSED}),
    BatchState.RUNNING: frozenset(),
    BatchState.REFUSED: frozenset(),
}


def subject_of(batch_id: int) -> str:
    """Return how approvals, bulk work and the audit log name a batch."""
    return f"payout_batch:{batch_id}"


def batch_id_of(subject: str) -> int:
    """Return the batch that a name means."""
    return int(subject.removeprefix("payout_batch:"))
