"""Limits under fire: never above the ceiling, and all of it is handed out."""

from collections.abc import Callable
from random import Random

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.limits import service
from loyalty.limits.rules import Limit, LimitExhausted
from tests.factories.limits import make_limit
from tests.support.races import at_once

THREADS = 64
BUCKETS = pytest.mark.parametrize("buckets", [1, 16])


def call(database: Database, work: Callable[[Session], int]) -> Callable[[], int]:
    return lambda: run(database, work)


def reserve(*limits: Limit, amount: int = 1) -> Callable[[Session], int]:
    def work(session: Session) -> int:
        service.reserve(session, limits=limits, amount=amount)
        return amount

    return work


def reserve_up_to(*limits: Limit, amount: int) -> Callable[[Session], int]:
    return lambda session: service.reserve_up_to(session, limits=limits, amount=amount).amount


def give_back(*limits: Limit, amount: int = 1) -> Callable[[Session], int]:
    def work(session: Session) -> int:
        service.give_back(session, limits=limits, amount=amount)
        return -amount

    return work


def used(database: Database, limit: Limit) -> int:
    return run(database, lambda session: service.used(session, limit=limit))


def race(database: Database, *works: Callable[[Session], int]) -> list[int]:
    """Do all at once; return what each took, without the refused."""
    results = at_once([call(database, work) for work in works])
    refused = [result for result in results if not isinstance(result, int)]
    assert all(isinstance(refusal, LimitExhausted) for refusal in refused)
    return [result for result in results if isinstance(result, int)]


@BUCKETS
@pytest.mark.parametrize("ceiling", [1, 50])
def test_sixty_four_at_once_get_exactly_the_ceiling(committed_database: Database, ceiling: int, buckets: int) -> None:
    limit = make_limit(ceiling, subject=f"race:{ceiling}:{buckets}", buckets=buckets)

    taken = race(committed_database, *[reserve(limit)] * THREADS)

    assert sum(taken) == ceiling == used(committed_database, limit)


def test_a_stock_in_buckets_is_handed_out_to_the_last_piece(committed_database: Database) -> None:
    limit = make_limit(200, subject="race:stock", buckets=16)

    def take_five(session_of: Database) -> int:
        return sum(_taken(session_of, limit) for _ in range(5))

    taken = at_once([lambda: take_five(committed_database) for _ in range(THREADS)])

    assert sum(result for result in taken if isinstance(result, int)) == 200 == used(committed_database, limit)


def _taken(database: Database, limit: Limit) -> int:
    try:
        return run(database, reserve(limit))
    except LimitExhausted:
        return 0


@BUCKETS
def test_whoever_asks_for_up_to_some_gets_what_is_left(committed_database: Database, buckets: int) -> None:
    limit = make_limit(50, subject=f"race:up-to:{buckets}", buckets=buckets)

    taken = race(committed_database, *[reserve_up_to(limit, amount=3)] * THREADS)

    assert sum(taken) == 50 == used(committed_database, limit)
    assert sorted(set(taken)) in ([0, 2, 3], [0, 1, 2, 3])


@BUCKETS
def test_all_kinds_of_calls_at_once_never_pass_the_ceiling(committed_database: Database, buckets: int) -> None:
    ceiling, random = 50, Random(7)
    limit = make_limit(ceiling, subject=f"race:mixed:{buckets}", buckets=buckets)
    run(committed_database, reserve(limit, amount=20))
    kinds = [
        *[give_back(limit)] * 20,
        *[reserve(limit)] * 20,
        *[reserve(limit, amount=4)] * 12,
        *[reserve_up_to(limit, amount=5)] * 12,
    ]
    random.shuffle(kinds)

    taken = race(committed_database, *kinds)

    assert used(committed_database, limit) == 20 + sum(taken) <= ceiling
    rest = run(committed_database, reserve_up_to(limit, amount=1000))
    assert used(committed_database, limit) == ceiling == 20 + sum(taken) + rest


def test_several_limits_in_any_order_are_taken_together_or_not_at_all(committed_database: Database) -> None:
    limits = [make_limit(30, subject=f"race:several:{number}", buckets=buckets)
              for number, buckets in enumerate([1, 16, 1, 16])]  # fmt: skip

    taken = race(
        committed_database,
        *[reserve(*limits)] * 32,
        *[reserve(*reversed(limits))] * 32,
    )

    assert sum(taken) == 30
    assert {used(committed_database, limit) for limit in limits} == {30}
