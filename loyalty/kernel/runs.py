"""Runs of periodic jobs, and leases for what only one process may do.

One row for each job and business date makes a late, repeated or missed start safe and visible.
A run whose heartbeat stopped may be taken over by another process.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from loyalty.kernel.database import Base, Json

STALE_AFTER = timedelta(minutes=2)


class JobRun(Base):
    """One row is one run of a periodic job for one slot, a business date or an instant of it."""

    __tablename__ = "job_runs"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    """The business date in ISO form, with the time of day for jobs that run more often."""
    business_on: Mapped[date]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """On the database's clock, which a trial's clock offset does not move."""
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("1"))
    result: Mapped[Json | None]
    error: Mapped[str | None]


class Lease(Base):
    """One row is a role that one process holds at a time, such as the ticker's leadership."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


def claim(session: Session, *, job: str, slot: str, business_on: date, at: datetime) -> bool:
    """Start a run, or take over one that failed or whose process died; False when it is not ours.

    A finished run is never started again.
    """
    values = {"job": job, "slot": slot, "business_on": business_on, "started_at": at}
    takeover = (JobRun.finished_at.is_(None)) & (
        (JobRun.heartbeat_at < func.now() - STALE_AFTER) | JobRun.error.is_not(None)
    )
    claimed = session.execute(
        insert(JobRun)
        .values(**values)
        .on_conflict_do_update(
            index_elements=[JobRun.job, JobRun.slot],
            set_={
                "heartbeat_at": func.now(),
                "started_at": at,
                "error": None,
                "attempts": JobRun.attempts + 1,
            },
            where=takeover,
        )
        .returning(JobRun.job)
    ).first()
    return claimed is not None


def beat(session: Session, *, job: str, slot: str) -> None:
    """Show that a run is alive; call it at least once a minute."""
    _change(session, job, slot, heartbeat_at=func.now())


def finish(session: Session, *, job: str, slot: str, result: Json, at: datetime) -> None:
    """Close a run with its counts."""
    _change(session, job, slot, finished_at=at, result=result)


def fail(session: Session, *, job: str, slot: str, error: str) -> None:
    """Note why a run stopped; the next claim takes it over."""
    _change(session, job, slot, error=error[:500])


def is_open(session: Session, *, job: str, slot: str, attempts_max: int) -> bool:
    """Tell whether a run has still to be done: not finished, and not failed too often."""
    row = session.execute(
        select(JobRun.finished_at, JobRun.attempts).where(JobRun.job == job, JobRun.slot == slot)
    ).first()
    return row is None or (row.finished_at is None and row.attempts < attempts_max)


def purge(session: Session, *, before: date, jobs: Sequence[str]) -> int:
    """Delete old runs of jobs that run many times a day; those of daily jobs are kept as history."""
    deleted = session.execute(
        delete(JobRun).where(JobRun.business_on < before, JobRun.job.in_(jobs)).returning(JobRun.slot)
    )
    return len(deleted.all())


def list_finished(session: Session, *, job: str) -> Sequence[JobRun]:
    """Return all runs of a daily job that have finished, the oldest first."""
    query = select(JobRun).where(JobRun.job == job, JobRun.finished_at.is_not(None))
    return session.scalars(query.order_by(JobRun.business_on).execution_options(populate_existing=True)).all()


def _change(session: Session, job: str, slot: str, **values: object) -> None:
    session.execute(update(JobRun).where(JobRun.job == job, JobRun.slot == slot).values(**values))


def latest(
    session: Session,
    *,
    job: str = "",
    has_error: bool | None = None,
    first_on: date | None = None,
    last_on: date | None = None,
    limit: int = 100,
) -> list[JobRun]:
    """Return the latest runs, newest first, narrowed by what is given; the dates are business dates."""
    query = select(JobRun).order_by(JobRun.started_at.desc(), JobRun.job).limit(limit)
    if job:
        query = query.where(JobRun.job == job)
    if has_error is not None:
        query = query.where(JobRun.error.is_not(None) if has_error else JobRun.error.is_(None))
    if first_on is not None:
        query = query.where(JobRun.business_on >= first_on)
    if last_on is not None:
        query = query.where(JobRun.business_on <= last_on)
    return list(session.scalars(query))


def hold_lease(session: Session, *, name: str, holder: str, seconds: int) -> bool:
    """Take or renew a role for some seconds; False while another process holds it."""
    until = func.now() + text("make_interval(secs => :seconds)").bindparams(seconds=seconds)
    held = session.execute(
        insert(Lease)
        .values(name=name, holder=holder, until=until)
        .on_conflict_do_update(
            index_elements=[Lease.name],
            set_={"holder": holder, "until": until},
            where=(Lease.holder == holder) | (Lease.until < func.now()),
        )
        .returning(Lease.name)
    ).first()
    return held is not None


def release_lease(session: Session, *, name: str, holder: str) -> None:
    """Give up a role at once; nothing happens when another process holds it by now."""
    session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))
