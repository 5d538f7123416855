"""The ticker: each slot once, one leader, and another try for what was lost or failed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis
from redis.exceptions import RedisError

from jobs import periodic, queues, schedule
from jobs.ticker import ATTEMPTS_MAX, Ticker
from loyalty.container import Container
from loyalty.gateways.redis import connect
from loyalty.kernel import runs, timetable
from loyalty.kernel.transaction import run
from tests.support.containers import StandingClock


@pytest.fixture
def ticker(jobs_container: Container, redis: Redis) -> Ticker:
    return Ticker(jobs_container)


def waiting(redis: Redis) -> list[str]:
    return sorted(job_id for name in queues.QUEUES for job_id in queues.queue(name, connection=redis).job_ids)


def due(container: Container) -> list[str]:
    slots = [(job, timetable.due_slot(job, zone=container.zone, at=container.clock.now())) for job in schedule.JOBS]
    return sorted(f"{job.name}-{slot.key}" for job, slot in slots if slot is not None)


def test_every_slot_that_is_due_is_enqueued_once(ticker: Ticker, jobs_container: Container, redis: Redis) -> None:
    ticker.tick()
    ticker.tick()

    assert waiting(redis) == due(jobs_container)
    assert "verify_ledger-2026-03-10" in waiting(redis)


def test_a_restarted_ticker_does_not_enqueue_twice(ticker: Ticker, jobs_container: Container, redis: Redis) -> None:
    ticker.tick()
    ticker.step_down()

    Ticker(jobs_container).tick()

    assert waiting(redis) == due(jobs_container)


def test_only_the_leader_ticks_until_it_steps_down(ticker: Ticker, jobs_container: Container, redis: Redis) -> None:
    ticker.tick()
    redis.flushdb()
    other = Ticker(jobs_container)

    other.tick()
    assert waiting(redis) == []

    ticker.step_down()
    other.tick()
    assert waiting(redis) == due(jobs_container)


def test_what_the_queue_server_lost_is_enqueued_again_after_a_minute(
    ticker: Ticker, clock: StandingClock, redis: Redis
) -> None:
    ticker.tick()
    redis.flushdb()

    clock.at += timedelta(seconds=59)
    ticker.tick()
    assert "verify_ledger-2026-03-10" not in waiting(redis)

    clock.at += timedelta(seconds=2)
    ticker.tick()
    assert "verify_ledger-2026-03-10" in waiting(redis)


@pytest.mark.parametrize("outcome", ["finished", "failed too often"])
def test_a_run_that_is_done_or_hopeless_is_left_alone(
    ticker: Ticker, jobs_container: Container, redis: Redis, outcome: str
) -> None:
    at, job, slot = jobs_container.clock.now(), "verify_ledger", "2026-03-10"
    database = jobs_container.database
    for _ in range(ATTEMPTS_MAX):
        run(database, lambda s: runs.claim(s, job=job, slot=slot, business_on=at.date(), at=at))
        run(database, lambda s: runs.fail(s, job=job, slot=slot, error="broken"))
    if outcome == "finished":
        run(database, lambda s: runs.finish(s, job=job, slot=slot, result={}, at=at))

    ticker.tick()

    assert "verify_ledger-2026-03-10" not in waiting(redis)
    assert "seal_ledger-2026-03-10" in waiting(redis)


def test_a_new_day_brings_new_slots(ticker: Ticker, clock: StandingClock, redis: Redis) -> None:
    ticker.tick()
    clock.at += timedelta(days=1)

    ticker.tick()

    assert {"verify_ledger-2026-03-10", "verify_ledger-2026-03-11"} <= set(waiting(redis))


def test_an_outage_of_the_queue_server_is_told_and_nothing_is_taken_for_enqueued(
    ticker: Ticker, jobs_container: Container, redis: Redis
) -> None:
    down = Ticker(replace(jobs_container, redis=connect("unix:///nowhere/valkey.sock")))
    with pytest.raises(RedisError):
        down.tick()
    down.step_down()

    ticker.tick()

    assert waiting(redis) == due(jobs_container)


def test_what_is_enqueued_is_the_periodic_entrance(ticker: Ticker, jobs_container: Container, redis: Redis) -> None:
    ticker.tick()

    job = next(job for job in queues.queue(queues.NIGHTLY, connection=redis).jobs if "verify" in job.id)

    assert job.func is periodic.perform
    assert job.args == ["verify_ledger", "2026-03-10", "2026-03-10"]
