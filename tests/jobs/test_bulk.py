"""Workers at bulk work: one at a time, urgent work in between, and none forgotten."""

from datetime import date

import pytest
from redis import Redis
from sqlalchemy.orm import Session

from jobs import bulk as bulk_jobs
from jobs import handlers, queues
from jobs.periodic import PeriodicRun
from loyalty.adjustments import service
from loyalty.adjustments.rules.batches import BatchState, Work, subject_of
from loyalty.kernel import bulk, runs
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.timetable import Slot
from loyalty.kernel.transaction import run
from tests.factories.adjustments import AT, CHECKER, approve, checked, csv_of, get
from tests.factories.members import make_member, unused_phone
from tests.support.containers import NullContainer


@pytest.fixture
def batch_id(jobs_container: NullContainer, session: Session) -> int:
    """An approved batch of three members that nobody works on yet."""
    phones = [unused_phone() for _ in range(3)]
    for phone in phones:
        make_member(session, phone=phone)
    session.commit()
    batch = checked(jobs_container, csv_of([(phone, 5) for phone in phones]))
    approve(jobs_container, batch.id)
    jobs_container.redis.flushdb()
    return batch.id


def run_id_of(container: NullContainer, batch_id: int) -> int:
    found = run(
        container.database, lambda session: bulk.find_run(session, kind=Work.APPLY, subject=subject_of(batch_id))
    )
    assert found is not None
    return found.id


def waiting(redis: Redis) -> list[tuple[int, ...]]:
    return [job.args for job in queues.queue(queues.DEFAULT, connection=redis).jobs]


def test_the_event_of_a_run_wakes_a_worker(jobs_container: NullContainer, redis: Redis, batch_id: int) -> None:
    run_id = run_id_of(jobs_container, batch_id)

    handlers.handle(jobs_container, OutboxEvent(id=1, kind=bulk.WANTED, payload={"run_id": run_id}))

    assert [tuple(args) for args in waiting(redis)] == [(run_id,)]


def test_a_second_worker_leaves_a_run_alone(jobs_container: NullContainer, batch_id: int) -> None:
    run_id = run_id_of(jobs_container, batch_id)
    run(
        jobs_container.database,
        lambda session: runs.hold_lease(session, name=f"bulk:{run_id}", holder="another", seconds=30),
    )

    bulk_jobs.perform(run_id)

    assert get(jobs_container, batch_id).state == BatchState.APPLYING


def test_a_worker_lets_others_go_first_when_its_time_is_up(
    jobs_container: NullContainer, redis: Redis, batch_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = run_id_of(jobs_container, batch_id)
    monkeypatch.setattr("loyalty.adjustments.service.applying.PAGE_ROWS", 1)
    monkeypatch.setattr("jobs.bulk.KINDS", {**bulk_jobs.KINDS, Work.APPLY: bulk_jobs.Kind(
        bulk_jobs.KINDS[Work.APPLY].steps, slice_seconds=-1.0)})  # fmt: skip

    bulk_jobs.perform(run_id)

    done = run(jobs_container.database, lambda session: bulk.get_run(session, run_id=run_id)).done
    assert done == 1
    assert [tuple(args) for args in waiting(redis)] == [(run_id,)]


def test_what_a_dead_worker_left_is_carried_on(jobs_container: NullContainer, redis: Redis, batch_id: int) -> None:
    periodic = PeriodicRun(jobs_container, job="carry_on_bulk_work", slot=Slot("now", date(2026, 3, 10)))

    counts = bulk_jobs.carry_on(periodic)

    assert counts == {"bulk_runs": 1}
    assert [tuple(args) for args in waiting(redis)] == [(run_id_of(jobs_container, batch_id),)]


def test_a_run_waits_in_the_queue_once_however_often_it_is_carried_on(
    jobs_container: NullContainer, redis: Redis, batch_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = run_id_of(jobs_container, batch_id)
    monkeypatch.setattr("loyalty.adjustments.service.applying.PAGE_ROWS", 1)
    monkeypatch.setattr("jobs.bulk.KINDS", {**bulk_jobs.KINDS, Work.APPLY: bulk_jobs.Kind(
        bulk_jobs.KINDS[Work.APPLY].steps, slice_seconds=-1.0)})  # fmt: skip
    bulk_jobs.perform(run_id)

    periodic = PeriodicRun(jobs_container, job="carry_on_bulk_work", slot=Slot("now", date(2026, 3, 10)))
    for _ in range(2):
        bulk_jobs.carry_on(periodic)

    assert [tuple(args) for args in waiting(redis)] == [(run_id,)]


def test_a_paused_run_is_not_carried_on(
    jobs_container: NullContainer, redis: Redis, session: Session, batch_id: int
) -> None:
    service.pause(session, batch_id=batch_id, actor=CHECKER, at=AT)
    session.commit()

    bulk_jobs.perform(run_id_of(jobs_container, batch_id))

    assert get(jobs_container, batch_id).state == BatchState.APPLYING
    assert waiting(redis) == []
