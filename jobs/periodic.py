"""Running a periodic job: claimed in the run table, so that a doubled start is harmless."""

import importlib
from collections.abc import Callable, Sequence
from datetime import date

import structlog

from jobs import context, schedule
from loyalty.container import Container
from loyalty.kernel import runs
from loyalty.kernel.database import Json, Session
from loyalty.kernel.timetable import Slot
from loyalty.kernel.transaction import run

log = structlog.get_logger("jobs.periodic")


class Alarm(Exception):
    """A periodic job did its work and found something that people must look at."""

    def __init__(self, message: str, result: Json) -> None:
        super().__init__(message)
        self.message = message
        self.result = result


class PeriodicRun:
    """One claimed run of a periodic job, as the job itself sees it."""

    def __init__(self, container: Container, *, job: str, slot: Slot) -> None:
        self.container = container
        self.business_on = slot.business_on
        self._job, self._slot = job, slot.key

    def beat(self) -> None:
        """Show that the run is alive; call it between pages of long work."""
        run(self.container.database, lambda session: runs.beat(session, job=self._job, slot=self._slot))

    def in_pages(self, page: Callable[[Session], int]) -> int:
        """Do pages of work, a transaction each, until one finds nothing left; return how much they did together."""
        total = 0
        while count := run(self.container.database, page):
            total += count
            self.beat()
        return total

    def each_of(self, page: Callable[[Session, int], Sequence[int]], work: Callable[[Session, int], None]) -> int:
        """Do work for each id of ascending pages, a transaction each, so that few rows are held; return how many."""
        database, after, total = self.container.database, 0, 0
        while ids := run(database, lambda session, after=after: page(session, after)):  # type: ignore[misc]
            for one in ids:
                run(database, lambda session, one=one: work(session, one))  # type: ignore[misc]
            after, total = ids[-1], total + len(ids)
            self.beat()
        return total


PeriodicFunction = Callable[[PeriodicRun], Json]


def function_of(job: schedule.PeriodicJob) -> PeriodicFunction:
    """Return the function that a line of the schedule names."""
    module, name = job.function.split(":")
    function: PeriodicFunction = getattr(importlib.import_module(module), name)
    return function


def perform(name: str, key: str, business_on: str) -> None:
    """Run a periodic job for a slot, unless that slot is done or running elsewhere."""
    container = context.container()
    slot = Slot(key, date.fromisoformat(business_on))
    at = container.clock.now()
    is_ours = run(
        container.database,
        lambda session: runs.claim(session, job=name, slot=slot.key, business_on=slot.business_on, at=at),
    )
    if is_ours:
        _perform(container, schedule.job_named(name), slot)


def _perform(container: Container, job: schedule.PeriodicJob, slot: Slot) -> None:
    def note_failure(error: str) -> None:
        run(container.database, lambda session: runs.fail(session, job=job.name, slot=slot.key, error=error))

    def note_result(result: Json) -> None:
        at = container.clock.now()
        run(
            container.database,
            lambda session: runs.finish(session, job=job.name, slot=slot.key, result=result, at=at),
        )

    try:
        result = function_of(job)(PeriodicRun(container, job=job.name, slot=slot))
    except Alarm as alarm:
        # Finished, so that it is not run over and over, and marked, so that nobody overlooks it.
        log.critical("alarm", job=job.name, slot=slot.key, alarm=alarm.message, **alarm.result)
        note_result(alarm.result)
        note_failure(alarm.message)
    except Exception as error:
        note_failure(type(error).__name__)
        raise
    else:
        note_result(result)
        log.info("job_finished", job=job.name, slot=slot.key, **result)
