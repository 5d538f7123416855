"""Bulk work (批量作业): long work in pages, with progress, pause and resume, that no crash harms.

A page is one transaction: what it does and how far the run has come are committed together, so that a killed worker
leaves whole pages behind and the next one goes on after them. The run's row is locked by the page under way; pausing
waits for that page and no longer. Undoing is a run of its own, written by whoever owns the work.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from loyalty.kernel import outbox
from loyalty.kernel.database import Base, Json
from loyalty.kernel.errors import Conflict, NotFound

WANTED = "bulk.wanted"
"""The event that wakes a worker for a run."""


class BulkState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


class BulkRunNotFound(NotFound):
    """There is no such run."""

    code = "bulk_run_not_found"
    message = "没有找到该批量作业"


class BulkRunNotInState(Conflict):
    """The run has finished, or is paused or running already."""

    code = "bulk_run_not_in_state"
    message = "该批量作业已完成，或已处于该状态"


class Overtaken(Exception):
    """A page was read for another place than the run has reached: another worker is at it."""


class BulkRun(Base):
    """One row is one long piece of work and how far it has come."""

    __tablename__ = "bulk_runs"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        CheckConstraint("state IN ('running', 'paused', 'finished')", name="state"),
        CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name="finished_at"),
        Index("ix_bulk_runs_running", "id", postgresql_where=text("state = 'running'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """What is done, as ``module.verb``."""
    subject: Mapped[str]
    """What it is done to, as ``kind:id``; once for each kind of work."""
    state: Mapped[str] = mapped_column(server_default=text("'running'"))
    cursor: Mapped[int] = mapped_column(server_default=text("0"))
    """The last row that is done, in the order of the work."""
    done: Mapped[int] = mapped_column(server_default=text("0"))
    total: Mapped[int] = mapped_column(server_default=text("0"))
    """How many rows there are to do; 0 while nobody knows."""
    figures: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    """What came of it so far, summed over the pages."""
    error: Mapped[str | None]
    """Why the last page failed, for a run that was paused by it."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class PageDone:
    """What a page did."""

    cursor: int
    rows: int
    is_last: bool
    figures: Mapping[str, int] = field(default_factory=dict)


Page = Callable[[Session, BulkRun], PageDone]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come, and what came of it."""

    state: BulkState
    done: int
    total: int
    figures: dict[str, int]
    error: str | None
    started_at: datetime
    finished_at: datetime | None

    @property
    def percent(self) -> int:
        """How much is done, as far as the total is known."""
        if self.state is BulkState.FINISHED:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0


def start(session: Session, *, kind: str, subject: str, total: int, at: datetime) -> int:
    """Begin a run and wake a worker for it; starting it again changes nothing. Return its id."""
    run_id = session.execute(
        insert(BulkRun)
        .values(kind=kind, subject=subject, total=total, started_at=at)
        .on_conflict_do_nothing()
        .returning(BulkRun.id)
    ).scalar()
    if run_id is None:
        return session.scalars(select(BulkRun.id).where(BulkRun.kind == kind, BulkRun.subject == subject)).one()
    _wake(session, run_id, at)
    return run_id


def work_page(session: Session, *, run_id: int, page: Page, at: datetime) -> bool:
    """Do the next page of a run; return whether there is more to do.

    Nothing is done when the run is paused or finished.

    Raises:
        Overtaken: by a page that was read ahead, for another place than the run has reached.
    """
    run = session.scalars(
        select(BulkRun).where(BulkRun.id == run_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    if run.state != BulkState.RUNNING:
        return False
    page_done = page(session, run)
    run.cursor = page_done.cursor
    run.done += page_done.rows
    run.figures = dict(Counter(run.figures) + Counter(page_done.figures))
    run.error = None
    if page_done.is_last:
        run.state, run.finished_at = BulkState.FINISHED, at
    session.flush()
    return not page_done.is_last


def pause(session: Session, *, run_id: int, error: str | None = None) -> None:
    """Stop a run after the page under way.

    Raises:
        BulkRunNotInState: it is not running.
    """
    _move(session, run_id, BulkState.RUNNING, BulkState.PAUSED, error)


def resume(session: Session, *, run_id: int, at: datetime) -> None:
    """Let a paused run go on where it stopped.

    Raises:
        BulkRunNotInState: it is not paused.
    """
    _move(session, run_id, BulkState.PAUSED, BulkState.RUNNING, None)
    _wake(session, run_id, at)


def stop(session: Session, *, run_id: int, at: datetime) -> None:
    """End a paused run for good where it stopped.

    Raises:
        BulkRunNotInState: it is not paused; nothing of a page can be under way when it is.
    """
    _move(session, run_id, BulkState.PAUSED, BulkState.FINISHED, None, finished_at=at)


def end(session: Session, *, kind: str, subject: str, at: datetime) -> int:
    """End the work of this kind on a thing as far as it has come, if it has not ended; return how many rows are done.

    Raises:
        BulkRunNotInState: it is running.
    """
    run = find_run(session, kind=kind, subject=subject)
    if run is None:
        return 0
    if run.state != BulkState.FINISHED:
        stop(session, run_id=run.id, at=at)
    return run.done


def get_run(session: Session, *, run_id: int) -> BulkRun:
    """Return a run.

    Raises:
        BulkRunNotFound: there is no such run.
    """
    run = session.get(BulkRun, run_id, populate_existing=True)
    if run is None:
        raise BulkRunNotFound(run_id=run_id)
    return run


def find_run(session: Session, *, kind: str, subject: str) -> BulkRun | None:
    """Return the run of this kind on a thing."""
    return session.scalars(
        select(BulkRun)
        .where(BulkRun.kind == kind, BulkRun.subject == subject)
        .execution_options(populate_existing=True)
    ).first()


def find_progress(session: Session, *, kind: str, subject: str) -> Progress | None:
    """Return how far the run of this kind on a thing has come."""
    run = find_run(session, kind=kind, subject=subject)
    if run is None:
        return None
    return Progress(BulkState(run.state), run.done, run.total, run.figures, run.error, run.started_at, run.finished_at)


def list_running(session: Session) -> Sequence[int]:
    """Return the ids of all runs that somebody should be working on."""
    return session.scalars(select(BulkRun.id).where(BulkRun.state == BulkState.RUNNING).order_by(BulkRun.id)).all()


def _move(
    session: Session, run_id: int, before: BulkState, after: BulkState, error: str | None, **values: object
) -> None:
    moved = session.execute(
        update(BulkRun)
        .where(BulkRun.id == run_id, BulkRun.state == before)
        .values(state=after, error=error, **values)
        .returning(BulkRun.id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise BulkRunNotInState(run_id=run_id)


def _wake(session: Session, run_id: int, at: datetime) -> None:
    outbox.record(session, WANTED, {"run_id": run_id}, at=at)
