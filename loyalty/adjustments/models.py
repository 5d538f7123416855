"""Tables of adjustments. Of a file are kept ids and points; its text is sealed, and deleted once it has been read."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.adjustments.rules.batches import BatchState, Phase
from loyalty.adjustments.rules.single import Reason
from loyalty.kernel.database import Base

FILE_CONTEXT = "adjustment_files.content"

_STATES = ", ".join(f"'{state}'" for state in BatchState)
_REASONS = ", ".join(f"'{reason}'" for reason in Reason)
_PHASES = ", ".join(f"'{phase}'" for phase in Phase)


class AdjustmentBatch(Base):
    """One row is one file of adjustments: its totals after the check, and where it stands."""

    __tablename__ = "adjustment_batches"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(f"reason IN ({_REASONS})", name="reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    reason: Mapped[str]
    expires_on: Mapped[date | None]
    """The last day of what is given, for lines that name none; empty for points that never expire."""
    state: Mapped[str] = mapped_column(server_default=text("'checking'"))
    fault: Mapped[str | None]
    """Why the file as a whole could not be read."""
    credit_rows: Mapped[int] = mapped_column(server_default=text("0"))
    credit_points: Mapped[int] = mapped_column(server_default=text("0"))
    debit_rows: Mapped[int] = mapped_column(server_default=text("0"))
    debit_points: Mapped[int] = mapped_column(server_default=text("0"))
    """What is taken, as a number above zero."""
    bad_rows: Mapped[int] = mapped_column(server_default=text("0"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]


class AdjustmentFile(Base):
    """One row is a part of an uploaded file, sealed; deleted when the check has ended."""

    __tablename__ = "adjustment_files"
    __table_args__ = (Index("ix_adjustment_files_batch_id", "batch_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("adjustment_batches.id"))
    content_sealed: Mapped[bytes] = mapped_column(info={"sealed": FILE_CONTEXT})


class AdjustmentRow(Base):
    """One row is one good line of a file; nothing of it changes.

    The ids come from the members' own table in the statement that writes the row, so no foreign key is paid for.
    A member stands in a batch once.
    """

    __tablename__ = "adjustment_rows"
    __table_args__ = (
        CheckConstraint("points <> 0", name="points"),
        UniqueConstraint("member_id", "batch_id"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("adjustment_batches.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int]
    points: Mapped[int]
    expires_on: Mapped[date | None]


class AdjustmentProblem(Base):
    """One row is a line that was refused, or of which something is to be told; never what stood in it."""

    __tablename__ = "adjustment_problems"
    __table_args__ = (CheckConstraint(f"phase IN ({_PHASES})", name="phase"),)

    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("adjustment_batches.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    figure: Mapped[int | None]
    """What belongs to the reason: the line of the first mention, the points that were there, or were spent."""
