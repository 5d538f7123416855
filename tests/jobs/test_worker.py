"""The worker and the commands, as far as one process shows them; the rest is in tests/kill."""

import signal
from collections.abc import Iterator
from threading import Event

import pytest
from flask import Flask
from redis import Redis
from rq.serializers import JSONSerializer

from jobs import queues
from jobs.worker import TIMES, _Worker, work


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_stop_that_came_while_the_worker_registered_is_heard(redis: Redis) -> None:
    stop = Event()
    stop.set()
    worker = _Worker(queues.QUEUES, connection=redis, serializer=JSONSerializer, stop=stop, **TIMES)

    did_work = worker.work(logging_level="WARNING")

    assert not did_work
    assert redis.smembers("rq:workers") == set()


def test_a_worker_looks_at_every_queue_urgent_first_and_ends_a_burst(redis_url: str, redis: Redis) -> None:
    for name in reversed(queues.QUEUES):
        queues.queue(name, connection=redis).enqueue_call("tests.jobs.test_worker.leave_trace", args=(redis_url, name))

    work(redis_url, is_burst=True)

    assert [name.decode() for name in redis.lrange("traces", 0, -1)] == list(queues.QUEUES)


def leave_trace(redis_url: str, name: str) -> None:
    Redis.from_url(redis_url).rpush("traces", name)


def test_the_list_shows_every_job_and_what_waits(app: Flask) -> None:
    shown = app.test_cli_runner().invoke(args=["jobs", "list"])

    assert shown.exit_code == 0, shown.output
    assert "verify_ledger" in shown.output
    assert "daily 03:00" in shown.output
    assert "events: 0 waiting, 0 given up" in shown.output
    assert "notices: 0 queued, 0 held, 0 sending, 0 of unknown outcome" in shown.output
