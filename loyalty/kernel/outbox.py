"""The outbox (发件箱): events recorded in the transaction that caused them, delivered at least once.

A row is deleted when every handler of it has committed. A lease, on the database's own clock,
keeps two workers apart; when its holder dies the row becomes due again by itself. Handlers are
idempotent by unique keys of their own. Nobody sends a hint: the relay sweeps several times a
second, so that a web request never waits for the queue server.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, Text, case, delete, func, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from loyalty.kernel.database import Base, Json

LEASE = timedelta(seconds=20)
ATTEMPTS_MAX = 12
BACKOFF_SECONDS_MAX = 3600


class OutboxEvent(Base):
    """One row is something that happened and that other modules have yet to hear of."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("ix_outbox_events_due", "due_at", "id", postgresql_where=text("dead_at IS NULL")),
        Index("ix_outbox_events_lease_id", "lease_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[Json]
    recorded_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When a worker may take it, on the database's clock: moved ahead by a lease or a back-off."""
    lease_id: Mapped[UUID | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    dead_at: Mapped[datetime | None]


def record(session: Session, kind: str, payload: Json, *, at: datetime) -> None:
    """Note in the running transaction that something happened; ids and figures only."""
    session.execute(insert(OutboxEvent).values(kind=kind, payload=payload, recorded_at=at))


def lease(session: Session, *, lease_id: UUID, count: int) -> int:
    """Take up to ``count`` due events under ``lease_id``; return how many."""
    due = (
        select(OutboxEvent.id)
        .where(OutboxEvent.dead_at.is_(None), OutboxEvent.due_at <= func.now())
        .order_by(OutboxEvent.due_at, OutboxEvent.id)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("due")  # evaluated once; a plan may run a subquery again, past the events it has just taken
    )
    taken = session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.id.in_(select(due.c.id)))
        .values(lease_id=lease_id, due_at=func.now() + LEASE, attempts=OutboxEvent.attempts + 1)
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    return len(taken.all())


def renew(session: Session, *, lease_id: UUID) -> None:
    """Begin a lease anew for the events still held under it: its holder starts to work only now."""
    session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.lease_id == lease_id, OutboxEvent.due_at > func.now())
        .values(due_at=func.now() + LEASE)
        .execution_options(synchronize_session=False)
    )


def leased(session: Session, *, lease_id: UUID) -> Sequence[OutboxEvent]:
    """Return the events still held under a lease that has not run out, oldest first."""
    return session.scalars(
        select(OutboxEvent)
        .where(OutboxEvent.lease_id == lease_id, OutboxEvent.due_at > func.now())
        .order_by(OutboxEvent.id)
    ).all()


def complete(session: Session, *, event_id: int) -> None:
    """Forget an event whose handlers have done their work in this transaction."""
    session.execute(delete(OutboxEvent).where(OutboxEvent.id == event_id))


def postpone(session: Session, *, event_id: int, error: str, at: datetime) -> None:
    """Try an event again later, twice as late each time; after the last try set it aside."""
    delay = func.least(func.power(2, OutboxEvent.attempts), BACKOFF_SECONDS_MAX)
    exhausted = OutboxEvent.attempts >= ATTEMPTS_MAX
    session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.id == event_id)
        .values(
            lease_id=None,
            due_at=func.now() + delay * text("interval '1 second'"),
            last_error=error[:500],
            dead_at=case((exhausted, at), else_=None),
        )
        .execution_options(synchronize_session=False)
    )


def count_waiting(session: Session) -> tuple[int, int]:
    """Return how many events wait and how many were set aside after their last try."""
    waiting = func.count().filter(OutboxEvent.dead_at.is_(None))
    dead = func.count().filter(OutboxEvent.dead_at.is_not(None))
    row = session.execute(select(waiting, dead).select_from(OutboxEvent)).one()
    return row[0], row[1]


def list_dead(session: Session, *, kind: str = "", before_id: int | None = None, limit: int) -> Sequence[OutboxEvent]:
    """Return the events that were set aside, newest first; ``kind`` is a part of theirs, ``before_id`` the cursor."""
    query = select(OutboxEvent).where(OutboxEvent.dead_at.is_not(None))
    if kind:
        query = query.where(OutboxEvent.kind.icontains(kind, autoescape=True))
    if before_id is not None:
        query = query.where(OutboxEvent.id < before_id)
    return session.scalars(query.order_by(OutboxEvent.id.desc()).limit(limit)).all()


def revive(session: Session, *, event_id: int) -> bool:
    """Let an event that was set aside be tried again from the start; False when it was not."""
    revived = session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.id == event_id, OutboxEvent.dead_at.is_not(None))
        .values(dead_at=None, attempts=0, due_at=func.now())
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    ).first()
    return revived is not None


def drop(session: Session, *, member_ids: Collection[int], recorded_before: datetime) -> int:
    """Forget the events of members' past that was brought in with all that follows from it; return how many.

    For imports of history only: nobody is to be told today of what happened long ago.
    """
    dropped = session.execute(
        delete(OutboxEvent)
        .where(
            OutboxEvent.payload["member_id"].as_string().in_([str(member_id) for member_id in member_ids]),
            OutboxEvent.recorded_at < recorded_before,
        )
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    return len(dropped.all())


def drop_kind(session: Session, *, kind: str, recorded_before: datetime) -> None:
    """Forget the events of one kind of a past that was brought in, as ``drop`` does those of members."""
    is_past = (OutboxEvent.kind == kind) & (OutboxEvent.recorded_at < recorded_before)
    session.execute(delete(OutboxEvent).where(is_past).execution_options(synchronize_session=False))
