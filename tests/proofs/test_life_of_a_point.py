"""The life of a point beside a plain-Python oracle: any acts in any order, then all refunded, as if it never happened.

After every step balances, debts, available points, growth, caps and budgets are what the oracle says, and the books
prove themselves.
"""

import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg import Connection
from sqlalchemy import Engine, event

from loyalty.kernel.database import connect
from tests.proofs.batches import Adjusting
from tests.proofs.postings import Posting
from tests.proofs.purchases import Buying
from tests.support.proof import IS_FULL, size

pytestmark = pytest.mark.proof

PARTS = size(reduced=1, full=20)
"""Of the proof, each a test of its own with a time limit of its own."""
LIVES, STEPS = size(reduced=25, full=140), 100
STEPS_AT_LEAST = size(reduced=2_000, full=200_000 // PARTS)
STATEMENTS = 500
"""More than a life has."""


class LifeOfAPoint(Buying, Posting, Adjusting):
    """All that can happen to a point."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Connections that plan a statement once: a life repeats few statements very often."""
    database = connect(database_url, connections=1)

    @event.listens_for(database.engine, "connect")
    def plan_once(driver: Connection, _record: object) -> None:
        driver.prepare_threshold, driver.prepared_max = 0, STATEMENTS
        driver.execute("SET plan_cache_mode = force_generic_plan")
        driver.commit()

    yield database.engine
    database.engine.dispose()


@pytest.mark.parametrize("part", range(PARTS))
def test_agrees_with_the_oracle_after_every_step(engine: Engine, part: int) -> None:
    began, steps = time.perf_counter(), 0

    class Counted(LifeOfAPoint):
        def teardown(self) -> None:
            nonlocal steps
            steps += self.steps
            super().teardown()

    run_state_machine_as_test(
        lambda: Counted(engine),
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not IS_FULL,  # the long proof looks for new lives, every other run repeats the same ones
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[Phase.generate],  # to shrink a failure against a database takes longer than to read it
        ),
    )
    print(f"\npart {part}: {steps} steps in {time.perf_counter() - began:.1f} s")
    assert steps >= STEPS_AT_LEAST
