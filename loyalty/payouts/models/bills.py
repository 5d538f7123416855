"""Tables of the platform's daily bills, and of what they say differently. Lines are append-only, by a trigger."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class BillDay(Base):
    """One row is one day's bill of the platform, once it was read, or once we believe that there will be none."""

    __tablename__ = "payout_bill_days"

    bill_on: Mapped[date] = mapped_column(primary_key=True)
    has_bill: Mapped[bool] = mapped_column(server_default=text("true"))
    """Not where the platform has none and nothing of ours was under way: it makes none of a day without movement."""
    lines_count: Mapped[int]
    paid_fen: Mapped[int]
    returned_fen: Mapped[int]
    read_at: Mapped[datetime]


class BillLine(Base):
    """One row is one transfer of the platform's bill, out or back; never changes."""

    __tablename__ = "payout_bill_lines"
    __table_args__ = (Index("ix_payout_bill_lines_out_bill_no", "out_bill_no"),)

    bill_on: Mapped[date] = mapped_column(ForeignKey("payout_bill_days.bill_on"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    out_bill_no: Mapped[str]
    transfer_bill_no: Mapped[str]
    amount_fen: Mapped[int]
    is_return: Mapped[bool]
    booked_at: Mapped[datetime]


class PayoutDiscrepancy(Base):
    """One row is something that the platform's bills and our payouts say differently (差异)."""

    __tablename__ = "payout_discrepancies"
    __table_args__ = (UniqueConstraint("out_bill_no", "reason"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    out_bill_no: Mapped[str]
    """Of the transfer; of a bill that is missing, its day as ``2026-03-10``."""
    reason: Mapped[str]
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payouts.id"))
    bill_fen: Mapped[int | None]
    our_fen: Mapped[int | None]
    found_on: Mapped[date]
    found_at: Mapped[datetime]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
