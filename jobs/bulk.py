"""Bulk work: pages one after another, a few seconds at a time, so that urgent work gets its turn in between.

A lease keeps a second worker away. When a worker dies its lease runs out, and ``carry_on`` wakes another one.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import structlog

from jobs import adjustments, campaigns, context, coupon_issues, payouts, queues, segments
from jobs.pages import Steps
from jobs.periodic import PeriodicRun
from loyalty.adjustments.rules.batches import Work
from loyalty.campaigns.rules.works import Work as CampaignWork
from loyalty.container import Container
from loyalty.coupons.rules.issue_jobs import Work as IssueWork
from loyalty.kernel import bulk, runs
from loyalty.kernel.bulk import BulkRun, Overtaken, Page
from loyalty.kernel.database import Json, Session
from loyalty.kernel.errors import Conflict, LoyaltyError, Unavailable
from loyalty.kernel.transaction import run
from loyalty.payouts.rules.batches import Work as PayoutWork
from loyalty.segments.rules.works import Work as SegmentWork

log = structlog.get_logger("jobs.bulk")

LEASE_SECONDS = 30
JOB_SECONDS = 3600
SLICE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of work is done."""

    steps: Steps
    slice_seconds: float = SLICE_SECONDS


KINDS: Mapping[str, Kind] = {
    # What has been read of a workbook cannot be skipped, only read again: a file is read in one go.
    Work.CHECK: Kind(adjustments.check, slice_seconds=JOB_SECONDS),
    Work.APPLY: Kind(adjustments.apply),
    Work.TELL: Kind(adjustments.tell),
    Work.UNDO: Kind(adjustments.undo),
    IssueWork.CHECK: Kind(coupon_issues.check, slice_seconds=JOB_SECONDS),
    IssueWork.CHECK_TAG: Kind(coupon_issues.check_tag),
    IssueWork.ISSUE: Kind(coupon_issues.issue),
    IssueWork.TELL: Kind(coupon_issues.tell),
    IssueWork.UNDO: Kind(coupon_issues.undo),
    CampaignWork.ENTER: Kind(campaigns.enter),
    CampaignWork.ACT: Kind(campaigns.act),
    CampaignWork.UNDO: Kind(campaigns.undo),
    PayoutWork.PAY: Kind(payouts.pay_batch),
    SegmentWork.TAKE_SNAPSHOT: Kind(segments.take_snapshot),
    SegmentWork.KEEP_TAG: Kind(segments.keep_tag),
    SegmentWork.FILL_PURCHASES: Kind(segments.fill_purchases),
    SegmentWork.FILL_BIRTHDAYS: Kind(segments.fill_birthdays),
}


def wake(container: Container, payload: Json, _at: datetime) -> None:
    """Give a run to a worker."""
    _enqueue(container, payload["run_id"])


def perform(run_id: int) -> None:
    """Do pages of a run until it is done, paused, or the slice of time is up; then let others go first."""
    container = context.container()
    holder, lease = uuid4().hex, f"bulk:{run_id}"

    def hold() -> bool:
        return run(
            container.database,
            lambda session: runs.hold_lease(session, name=lease, holder=holder, seconds=LEASE_SECONDS),
        )

    if not hold():
        return
    try:
        is_unfinished = _work(container, run_id, hold)
    finally:
        run(container.database, lambda session: runs.release_lease(session, name=lease, holder=holder))
    if is_unfinished:
        _enqueue(container, run_id)


def carry_on(periodic: PeriodicRun) -> Json:
    """Wake a worker for every run that is unfinished; one that is being worked on is left alone by the lease."""
    waiting = run(periodic.container.database, bulk.list_running)
    for run_id in waiting:
        _enqueue(periodic.container, run_id)
    return {"bulk_runs": len(waiting)}


def _work(container: Container, run_id: int, hold: Callable[[], bool]) -> bool:
    """Do pages; return whether the run is unfinished and nothing stands against going on."""
    at_start = run(container.database, lambda session: bulk.get_run(session, run_id=run_id))
    try:
        return _slice(container, at_start, hold)
    except Overtaken:
        log.info("bulk_run_overtaken", run_id=run_id)
    except Unavailable:
        raise
    except LoyaltyError as refusal:
        log.warning("bulk_run_refused", run_id=run_id, kind=at_start.kind, error_code=refusal.code)
        _pause(container, run_id, type(refusal).__name__)
    except Exception as error:
        log.exception("bulk_run_failed", run_id=run_id, kind=at_start.kind)
        _pause(container, run_id, type(error).__name__)
    return False


def _slice(container: Container, at_start: BulkRun, hold: Callable[[], bool]) -> bool:
    kind = KINDS[at_start.kind]
    stop_at = time.monotonic() + kind.slice_seconds
    for step in kind.steps(container, at_start):
        if not _step(container, at_start.id, step):
            return False
        if time.monotonic() > stop_at:
            return True
        if not hold():
            return False
    return False


def _step(container: Container, run_id: int, step: Page) -> bool:
    at = container.clock.now()
    return run(container.database, lambda session: bulk.work_page(session, run_id=run_id, page=step, at=at))


def _pause(container: Container, run_id: int, error: str) -> None:
    def pause(session: Session) -> None:
        bulk.pause(session, run_id=run_id, error=error)

    try:
        run(container.database, pause)
    except Conflict:
        log.info("bulk_run_paused_before", run_id=run_id)


def _enqueue(container: Container, run_id: int) -> None:
    """Let a run wait once in the queue from each place it has come to; a job that goes on enqueues the next place."""
    cursor = run(container.database, lambda session: bulk.get_run(session, run_id=run_id)).cursor
    queue = queues.queue(queues.DEFAULT, connection=container.redis)
    queues.enqueue_once(queue, perform, args=(run_id,), job_id=f"bulk-{run_id}-{cursor}", timeout=JOB_SECONDS)
