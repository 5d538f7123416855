"""Electronic receipts as doors and jobs see them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.payouts.models import PayoutReceipt
from loyalty.payouts.rules.receipts import ReceiptProblem, ReceiptStage


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """The receipt that was asked for of a payout."""

    stage: ReceiptStage
    problem: ReceiptProblem | None
    told: str | None
    sha256: str | None
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None


def find_receipt(session: Session, *, payout_id: int) -> ReceiptView | None:
    """Return the receipt of a payout, if anybody has asked for one."""
    query = select(PayoutReceipt).where(PayoutReceipt.payout_id == payout_id)
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    if row is None:
        return None
    return ReceiptView(
        stage=ReceiptStage(row.stage),
        problem=ReceiptProblem(row.problem) if row.problem else None,
        told=row.told,
        sha256=row.sha256,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
    )


def list_due_receipts(session: Session, *, at: datetime, limit: int, taken: Collection[int] = ()) -> Sequence[int]:
    """Return the payouts about whose receipts something is due, without those that were ``taken``."""
    due = select(PayoutReceipt.payout_id).where(PayoutReceipt.due_at <= at, PayoutReceipt.payout_id.not_in(taken))
    return session.scalars(due.order_by(PayoutReceipt.due_at, PayoutReceipt.payout_id).limit(limit)).all()
