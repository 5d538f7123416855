"""The timetable (定时任务表): which jobs run when, as the scheduler in charge published it, and whether they did.

The doors see the schedule only here. A job whose last slot was not done in good time is missed, and an alarm is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ColumnElement, Select, and_, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from loyalty.kernel.database import Base
from loyalty.kernel.errors import Conflict, NotFound
from loyalty.kernel.runs import STALE_AFTER, JobRun

MISSED_AFTER = timedelta(hours=1)
"""How late a daily job may begin, or be taken up again, before people are alarmed."""
START_AGAIN = "start_again"
"""What a run says instead of an error when a person wants it to run once more."""
_ROUNDS_MISSED, _MINUTES_MISSED = 3, 15


class ScheduledJob(Base):
    """One row is one periodic job of the schedule in force."""

    __tablename__ = "scheduled_jobs"
    __table_args__ = (CheckConstraint("(daily_at IS NULL) <> (every_minutes IS NULL)", name="one_rhythm"),)

    job: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    daily_at: Mapped[time | None]
    """In the programme's zone."""
    every_minutes: Mapped[int | None]
    scheduled_at: Mapped[datetime]
    """Since when it runs at these times; what was due before was never missed."""


class JobNotFound(NotFound):
    """No such job is on the schedule."""

    code = "job_not_found"
    message = "没有这个定时任务"


class JobNotYetRun(Conflict):
    """The job has no run today that could be started again: it starts by itself when its time comes."""

    code = "job_not_yet_run"
    message = "该任务今天还没有运行过，到时间会自动运行"


class JobStillRunning(Conflict):
    """The job's run is alive."""

    code = "job_still_running"
    message = "该任务正在运行"


class Rhythm(Protocol):
    """When a job runs: either at a time of day, or every so many minutes."""

    @property
    def daily_at(self) -> time | None:
        """The time of day in the programme's zone."""

    @property
    def every_minutes(self) -> int | None:
        """How many minutes after midnight, and after each run, the next is due."""


class Line(Rhythm, Protocol):
    """A line of a schedule."""

    @property
    def name(self) -> str:
        """What the run table calls the job."""

    @property
    def queue(self) -> str:
        """Where it waits for a worker."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One planned run of a job; ``key`` names it in the run table."""

    key: str
    business_on: date


@dataclass(frozen=True, slots=True)
class JobStanding:
    """A job of the schedule, its latest run, and how it stands."""

    job: ScheduledJob
    latest: JobRun | None
    next_at: datetime
    is_running: bool
    is_queued: bool
    """Started again by a person, and about to be taken by a worker."""
    is_missed: bool


def due_slot(job: Rhythm, *, zone: ZoneInfo, at: datetime) -> Slot | None:
    """Return the slot of today that ``at`` is in or past; None before today's time has come.

    A daily job whose time was missed is due for the rest of the day; of missed minutes only the
    latest is.
    """
    local = at.astimezone(zone)
    today = local.date()
    if job.daily_at is not None:
        return Slot(today.isoformat(), today) if local.time() >= job.daily_at else None
    minutes = job.every_minutes or 1
    minute = (local.hour * 60 + local.minute) // minutes * minutes
    return Slot(f"{today.isoformat()}T{minute // 60:02d}-{minute % 60:02d}", today)


def next_run_at(job: Rhythm, *, zone: ZoneInfo, at: datetime) -> datetime:
    """Return when a job's next slot begins."""
    local = at.astimezone(zone)
    if job.daily_at is not None:
        day = local.date() + timedelta(days=local.time() >= job.daily_at)
        return datetime.combine(day, job.daily_at, zone)
    minutes = job.every_minutes or 1
    begun = local.replace(minute=0, second=0, microsecond=0, hour=0)
    rounds = (local.hour * 60 + local.minute) // minutes + 1
    tomorrow = datetime.combine(local.date() + timedelta(days=1), time(), zone)
    return min(begun + timedelta(minutes=rounds * minutes), tomorrow)


def publish(session: Session, *, lines: Sequence[Line], at: datetime) -> None:
    """Write down the schedule in force; a job whose times did not change keeps since when it has them."""
    session.execute(delete(ScheduledJob).where(ScheduledJob.job.not_in([line.name for line in lines])))
    for line in lines:
        values = {"queue": line.queue, "daily_at": line.daily_at, "every_minutes": line.every_minutes}
        is_changed = ScheduledJob.daily_at.is_distinct_from(line.daily_at) | (
            ScheduledJob.every_minutes.is_distinct_from(line.every_minutes)
        )
        session.execute(
            insert(ScheduledJob)
            .values(job=line.name, scheduled_at=at, **values)
            .on_conflict_do_update(index_elements=["job"], set_={**values, "scheduled_at": at}, where=is_changed)
        )


def list_standings(session: Session, *, zone: ZoneInfo, at: datetime) -> list[JobStanding]:
    """Return every job of the schedule in force and how it stands, in the order of their names."""
    return [
        JobStanding(
            job=row.ScheduledJob,
            latest=row.latest,
            next_at=next_run_at(row.ScheduledJob, zone=zone, at=at),
            is_running=row.is_alive is True,
            is_queued=row.is_queued is True,
            is_missed=not (row.is_alive or row.is_queued) and _is_missed(row.ScheduledJob, row.done, zone, at),
        )
        for row in session.execute(_standings())
    ]


def count_missed(session: Session, *, zone: ZoneInfo, at: datetime) -> int:
    """Return how many jobs were missed."""
    return sum(standing.is_missed for standing in list_standings(session, zone=zone, at=at))


def start_again(session: Session, *, job: str, zone: ZoneInfo, at: datetime) -> str:
    """Let the scheduler start today's run of a job once more, within a minute or so; return its slot.

    Every job is safe to run twice: it goes on with what is left.

    Raises:
        JobNotFound: it is not on the schedule.
        JobNotYetRun: today's run has not been yet, and will be by itself.
        JobStillRunning: today's run is alive.
    """
    scheduled = session.get(ScheduledJob, job)
    if scheduled is None:
        raise JobNotFound(job=job)
    slot = due_slot(scheduled, zone=zone, at=at)
    if slot is None:
        raise JobNotYetRun(job=job)
    of_slot = and_(JobRun.job == job, JobRun.slot == slot.key)
    if session.scalars(select(JobRun).where(of_slot).with_for_update()).first() is None:
        raise JobNotYetRun(job=job)
    again = session.execute(
        update(JobRun)
        .where(of_slot, JobRun.finished_at.is_not(None) | ~_is_alive(JobRun))
        .values(finished_at=None, error=START_AGAIN, attempts=0, heartbeat_at=func.now())
        .returning(JobRun.job)
    ).first()
    if again is None:
        raise JobStillRunning(job=job)
    return slot.key


def _is_alive(run: type[JobRun]) -> ColumnElement[bool]:
    return and_(run.finished_at.is_(None), run.error.is_(None), run.heartbeat_at > func.now() - STALE_AFTER)


def _is_queued(run: type[JobRun]) -> ColumnElement[bool]:
    """Tell of a run that was started again whether a worker may still be on its way."""
    return and_(run.finished_at.is_(None), run.error == START_AGAIN, run.heartbeat_at > func.now() - MISSED_AFTER)


def _standings() -> Select[ScheduledJob, JobRun, JobRun, bool, bool]:
    newest = select(JobRun).where(JobRun.job == ScheduledJob.job).order_by(JobRun.slot.desc()).limit(1)
    latest = aliased(JobRun, newest.lateral("latest"), name="latest")
    done = aliased(JobRun, newest.where(JobRun.finished_at.is_not(None)).lateral("done"), name="done")
    return (
        select(ScheduledJob, latest, done, _is_alive(latest).label("is_alive"), _is_queued(latest).label("is_queued"))
        .select_from(ScheduledJob)
        .outerjoin(latest, true())
        .outerjoin(done, true())
        .order_by(ScheduledJob.job)
    )


def _is_missed(job: ScheduledJob, done: JobRun | None, zone: ZoneInfo, at: datetime) -> bool:
    if job.daily_at is None:
        since = max(job.scheduled_at, done.finished_at if done and done.finished_at else job.scheduled_at)
        return at - since > timedelta(minutes=max(_MINUTES_MISSED, _ROUNDS_MISSED * (job.every_minutes or 1)))
    planned_at = next_run_at(job, zone=zone, at=at - MISSED_AFTER) - timedelta(days=1)
    if planned_at < job.scheduled_at:
        return False
    return done is None or done.business_on < planned_at.astimezone(zone).date()
