"""The life of a coupon beside a plain-Python oracle: whatever is done in whatever order, each stands where it should.

Used once at a time, bound by one lock, back with its order or its undone use; early use pays once and only while the
use stands; refunds of an order add up to what was paid for it.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine

from loyalty.kernel.database import connect
from tests.proofs.coupon_life import LifeOfACoupon
from tests.support.proof import IS_FULL, size

pytestmark = pytest.mark.proof

PARTS = size(reduced=1, full=4)
LIVES, STEPS = size(reduced=8, full=300), size(reduced=40, full=80)
STEPS_AT_LEAST = size(reduced=200, full=15_000)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    database = connect(database_url, connections=1)
    yield database.engine
    database.engine.dispose()


@pytest.mark.parametrize("part", range(PARTS))
def test_agrees_with_the_oracle_after_every_step(engine: Engine, part: int) -> None:
    steps = 0

    class Counted(LifeOfACoupon):
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
    print(f"\npart {part}: {steps} steps")
    assert steps >= STEPS_AT_LEAST
