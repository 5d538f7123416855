"""Tables of privacy."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.members.models import Member


class Closure(Base):
    """One row is one wish to close an account (注销申请): taken back, or carried out, or waiting."""

    __tablename__ = "closures"
    __table_args__ = (
        CheckConstraint("taken_back_at IS NULL OR erased_at IS NULL", name="one_end"),
        Index(
            "uq_closures_member_id",
            "member_id",
            unique=True,
            postgresql_where=text("taken_back_at IS NULL AND erased_at IS NULL"),
        ),
        Index(
            "ix_closures_due_at",
            "due_at",
            postgresql_where=text("taken_back_at IS NULL AND erased_at IS NULL"),
        ),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey(Member.id))
    requested_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """Erased by the first run at or after this instant."""
    taken_back_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
