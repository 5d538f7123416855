"""Table of the electronic receipts (电子回单) of payouts; the files stay with WeChat Pay."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.payouts.rules.receipts import ReceiptProblem, ReceiptStage

_STAGES = ", ".join(f"'{stage}'" for stage in ReceiptStage)
_PROBLEMS = ", ".join(f"'{problem}'" for problem in ReceiptProblem)


class PayoutReceipt(Base):
    """One row is the receipt that staff asked for of a payout, at most one for each."""

    __tablename__ = "payout_receipts"
    __table_args__ = (
        CheckConstraint(f"stage IN ({_STAGES})", name="stage"),
        CheckConstraint(f"problem IN ({_PROBLEMS})", name="problem"),
        CheckConstraint("(stage = 'finished') = (sha256 IS NOT NULL)", name="finished"),
        CheckConstraint("(stage = 'failed') = (problem IS NOT NULL)", name="failed"),
        CheckConstraint("(stage IN ('failed', 'finished')) = (due_at IS NULL)", name="due_at"),
        CheckConstraint("(due_at IS NULL) = (ended_at IS NOT NULL)", name="ended_at"),
        Index("ix_payout_receipts_due_at", "due_at", "payout_id", postgresql_where=text("due_at IS NOT NULL")),
    )

    payout_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("payouts.id"), primary_key=True, autoincrement=False)
    stage: Mapped[str]
    problem: Mapped[str | None]
    told: Mapped[str | None]
    """What WeChat Pay said about the problem, in its own words."""
    sha256: Mapped[str | None]
    """Digest of the file: what was downloaded can be held against it."""
    step_number: Mapped[int] = mapped_column(server_default=text("0"))
    """Counts the calls that were begun: an answer to an earlier one changes nothing."""
    polls: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime | None]
    """When the next step is due; empty at the end."""
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
