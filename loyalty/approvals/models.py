"""Tables of approvals."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.approvals.rules import ApprovalKind, ApprovalState
from loyalty.kernel.database import Base, Json

_KINDS = ", ".join(f"'{kind}'" for kind in ApprovalKind)
_STATES = ", ".join(f"'{state}'" for state in ApprovalState)


class Approval(Base):
    """One row is one request for a second person's approval; once decided nothing of it changes."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL) AND (state = 'waiting') = (decided_by IS NULL)", name="decided"
        ),
        CheckConstraint("decided_by <> requested_by", name="decided_by"),
        Index("uq_approvals_waiting", "kind", "subject", unique=True, postgresql_where=text("state = 'waiting'")),
        Index("ix_approvals_subject", "kind", "subject", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    """What it is about, as ``kind:id``."""
    facts: Mapped[Json]
    """What the decider is shown: ids and figures, never personal data."""
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
