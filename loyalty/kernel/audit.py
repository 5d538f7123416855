"""The audit log (操作日志): who changed what, when, from where, before and after.

Written in the transaction of the change itself, never edited. ``before`` and ``after`` hold ids,
figures and masked values, never personal data in clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from loyalty.kernel.database import Base, Json


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: ``staff:12``, ``member:5``, ``system:expire_lots``; and from where."""

    name: str
    ip: str | None = None
    request_id: str | None = None


class AuditEntry(Base):
    """One row is one change by a person or a job; append-only."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject", "subject", "id"),
        Index("ix_audit_entries_actor", "actor", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    actor: Mapped[str]
    action: Mapped[str]
    """``module.verb``, such as ``members.merge``."""
    subject: Mapped[str]
    """``kind:id``, such as ``member:5``."""
    before: Mapped[Json | None]
    after: Mapped[Json | None]
    ip: Mapped[str | None]
    request_id: Mapped[str | None]
    recorded_at: Mapped[datetime]


def write(
    session: Session,
    *,
    actor: Actor,
    action: str,
    subject: str,
    before: Json | None = None,
    after: Json | None = None,
    at: datetime,
) -> None:
    """Append one entry to the audit log."""
    session.execute(
        insert(AuditEntry).values(
            actor=actor.name,
            action=action,
            subject=subject,
            before=before,
            after=after,
            ip=actor.ip,
            request_id=actor.request_id,
            recorded_at=at,
        )
    )


def list_entries(
    session: Session,
    *,
    subject: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    after: Json | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """Return entries newest first, narrowed by what is given; ``before_id`` is the cursor.

    ``after`` is a part of what an entry says holds since.
    """
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if actor is not None:
        query = query.where(AuditEntry.actor == actor)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    if after is not None:
        query = query.where(AuditEntry.after.contains(after))
    if since is not None:
        query = query.where(AuditEntry.recorded_at >= since)
    if until is not None:
        query = query.where(AuditEntry.recorded_at < until)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return session.scalars(query).all()
