"""The ticker: enqueues what the schedule says, from one leader at a time.

The leader is a lease in the database. A slot is enqueued under an id of its own, so that it waits
in the queue once, and again a minute later when it was lost or has failed; the run table decides
what really runs.
"""

from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from jobs import periodic, queues, schedule
from jobs.schedule import PeriodicJob
from loyalty.container import Container
from loyalty.kernel import runs, timetable
from loyalty.kernel.timetable import Slot
from loyalty.kernel.transaction import run

log = structlog.get_logger("jobs.ticker")

TICK_SECONDS = 1.0
LEASE_SECONDS = 10
TRY_AGAIN_AFTER = timedelta(minutes=1)
ATTEMPTS_MAX = 5


class Ticker:
    """Remembers what it enqueued, so that an ordinary tick asks nobody but the lease."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._holder = uuid4().hex
        self._enqueued: dict[str, tuple[str, datetime]] = {}
        self._is_leader = False

    def tick(self) -> float:
        """Enqueue what is due if this process leads; return how long to wait for the next tick.

        Raises:
            RedisError: the queue server does not answer; nothing is remembered as enqueued.
            DatabaseUnavailable: the database does not answer.
        """
        if not self._leads():
            return TICK_SECONDS
        at = self._container.clock.now()
        for job in schedule.JOBS:
            slot = timetable.due_slot(job, zone=self._container.zone, at=at)
            if slot is not None and self._is_worth_enqueuing(job, slot, at):
                self._enqueue(job, slot)
                self._enqueued[job.name] = (slot.key, at)
        return TICK_SECONDS

    def step_down(self) -> None:
        """Give up the lead at once, so that another process need not wait for the lease to run out."""
        if self._is_leader:
            run(
                self._container.database,
                lambda session: runs.release_lease(session, name="ticker", holder=self._holder),
            )

    def _leads(self) -> bool:
        leads = run(
            self._container.database,
            lambda session: runs.hold_lease(session, name="ticker", holder=self._holder, seconds=LEASE_SECONDS),
        )
        if leads and not self._is_leader:
            at = self._container.clock.now()
            run(self._container.database, lambda session: timetable.publish(session, lines=schedule.JOBS, at=at))
            log.info("ticker_leads")
        self._is_leader = leads
        return leads

    def _is_worth_enqueuing(self, job: PeriodicJob, slot: Slot, at: datetime) -> bool:
        key, enqueued_at = self._enqueued.get(job.name, ("", at))
        if key == slot.key and timedelta() <= at - enqueued_at < TRY_AGAIN_AFTER:
            return False
        return run(
            self._container.database,
            lambda session: runs.is_open(session, job=job.name, slot=slot.key, attempts_max=ATTEMPTS_MAX),
        )

    def _enqueue(self, job: PeriodicJob, slot: Slot) -> None:
        if queues.enqueue_once(
            queues.queue(job.queue, connection=self._container.redis),
            periodic.perform,
            args=(job.name, slot.key, slot.business_on.isoformat()),
            job_id=f"{job.name}-{slot.key}",
            timeout=job.timeout_seconds,
        ):
            log.info("job_enqueued", job=job.name, slot=slot.key)
