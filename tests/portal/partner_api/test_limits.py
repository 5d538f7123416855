"""Rate limits of keys: exact for small ones over all processes, drawn in shares for large ones."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, cast

import pytest

from loyalty.gateways.redis import Redis, connect
from portal.partner_api.limits import SHARES, Counter
from tests.portal.partner_api.conftest import MakeTill, unused


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return connect(redis_url)


class FirstAnswerLate:
    """A Redis whose first answer is on its way while other threads ask; if none can, it is not waited for."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.was_asked, self.is_due = Event(), Event()

    def register_script(self, source: str) -> Callable[..., Any]:
        script = self._redis.register_script(source)

        def ask(**asked: Any) -> Any:
            answer = script(**asked)
            if not self.was_asked.is_set():
                self.was_asked.set()
                self.is_due.wait(0.2)
            return answer

        return ask


def test_two_processes_share_a_small_limit_to_the_last_request(redis: Redis) -> None:
    key, processes = unused("pk"), (Counter(redis), Counter(redis))

    allowed = [processes[number % 2].count(key, 5).left >= 0 for number in range(8)]

    assert allowed == [True] * 5 + [False] * 3


def test_of_a_large_limit_a_process_draws_a_share_at_a_time(redis: Redis) -> None:
    key, counter = unused("pk"), Counter(redis)

    drawn = [counter.count(key, 3 * SHARES).drawn for _ in range(7)]

    assert drawn == [3, 3, 3, 6, 6, 6, 9]


def test_nobody_is_let_through_by_shares_that_others_have_drawn(redis: Redis) -> None:
    key, limit, processes = unused("pk"), 2 * SHARES, [Counter(redis) for _ in range(3)]

    allowed = sum(process.count(key, limit).left >= 0 for _ in range(limit) for process in processes)

    assert allowed == limit


def test_a_thread_whose_share_comes_late_gives_nothing_to_the_other(redis: Redis) -> None:
    key, slow = unused("pk"), FirstAnswerLate(redis)
    counter = Counter(cast(Redis, slow))

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(counter.count, key, 1)
        assert slow.was_asked.wait(10)
        second = counter.count(key, 1)
        slow.is_due.set()

    assert [first.result().left >= 0, second.left >= 0] == [True, False]


def test_every_answer_tells_what_is_left_of_the_minute(make_till: MakeTill) -> None:
    till = make_till(requests_per_minute=2)

    answers = [till.get("/statement", {"on": "2026-03-10"}) for _ in range(3)]

    assert [(one.status_code, one.headers["X-RateLimit-Remaining"]) for one in answers] == [
        (200, "1"),
        (200, "0"),
        (429, "0"),
    ]
    assert {one.headers["X-RateLimit-Limit"] for one in answers} == {"2"}
    assert all(0 < int(one.headers["Retry-After"]) <= 60 for one in answers)
