"""The schedule: every periodic job is one line of data, with its time in the programme's zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from jobs.queues import DEFAULT, NIGHTLY


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """What runs, when, and where; either ``daily_at`` or ``every_minutes`` is set."""

    name: str
    function: str
    """``module:function`` in this package; called with its ``PeriodicRun``, returns counts."""
    queue: str
    timeout_seconds: int
    daily_at: time | None = None
    every_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """One planned run of a job; ``key`` names it in the run table."""

    key: str
    business_on: date


JOBS: Sequence[PeriodicJob] = (
    PeriodicJob("resolve_stale_sending", "jobs.upkeep:resolve_stale_sending", DEFAULT, 120, every_minutes=1),
    PeriodicJob("settle_expired_reviews", "jobs.upkeep:settle_expired_reviews", DEFAULT, 300, every_minutes=5),
    PeriodicJob("release_held_notices", "jobs.upkeep:release_held_notices", DEFAULT, 600, daily_at=time(8)),
    PeriodicJob("seal_ledger", "jobs.ledger:seal_ledger", NIGHTLY, 3600, daily_at=time(0, 30)),
    PeriodicJob("erase_closed_members", "jobs.privacy:erase_closed_members", NIGHTLY, 3600, daily_at=time(2)),
    PeriodicJob("verify_ledger", "jobs.ledger:verify_ledger", NIGHTLY, 3 * 3600, daily_at=time(3)),
    PeriodicJob("purge_leftovers", "jobs.upkeep:purge_leftovers", NIGHTLY, 3600, daily_at=time(4)),
)


def job_named(name: str) -> PeriodicJob:
    """Return a line of the schedule; a name that is not on it is a programming error."""
    return next(job for job in JOBS if job.name == name)


def due_slot(job: PeriodicJob, *, zone: ZoneInfo, at: datetime) -> Slot | None:
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
