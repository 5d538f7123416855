"""Tables of batches: whom they pay, and whom they could not."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.payouts.rules.batches import BatchState

_STATES = ", ".join(f"'{state}'" for state in BatchState)


class PayoutBatch(Base):
    """One row is one time at which everybody with enough to withdraw is paid without asking (批量打款)."""

    __tablename__ = "payout_batches"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        UniqueConstraint("business_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    business_on: Mapped[date]
    """The date for which it was planned; one a day."""
    state: Mapped[str]
    minimum_fen: Mapped[int]
    members_count: Mapped[int]
    total_fen: Mapped[int]
    """What its members are paid at most, all together: this is what is approved."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class BatchMember(Base):
    """One row is a member whom a batch pays, and the most that it pays them; never changes once it is approved."""

    __tablename__ = "payout_batch_members"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("payout_batches.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    amount_fen: Mapped[int]


class BatchMiss(Base):
    """One row is a member whom a batch could not pay, and why."""

    __tablename__ = "payout_batch_misses"
    __table_args__ = ({"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},)

    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("payout_batches.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    reason: Mapped[str]
    """The code of the refusal."""
