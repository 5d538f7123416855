"""The life of a point beside a plain-Python oracle: any acts in any order, then all refunded, as if it never happened.

After every step balances, debts, available points, growth, caps and budgets are what the oracle says, and the books
prove themselves.
"""

import time

import pytest
from sqlalchemy import Engine

from tests.proofs.batches import Adjusting
from tests.proofs.machine import live
from tests.proofs.postings import Posting
from tests.proofs.purchases import Buying
from tests.support.proof import size

pytestmark = pytest.mark.proof

PARTS = size(reduced=4, full=20)
"""Of the proof, each a test of its own with a time limit of its own."""
LIVES, STEPS = size(reduced=7, full=140), 100
STEPS_AT_LEAST = size(reduced=2_000, full=200_000) // PARTS


class LifeOfAPoint(Buying, Posting, Adjusting):
    """All that can happen to a point."""


@pytest.mark.parametrize("part", range(PARTS))
def test_agrees_with_the_oracle_after_every_step(engine: Engine, part: int) -> None:
    began = time.perf_counter()

    steps = live(LifeOfAPoint, engine, part=part, lives=LIVES, steps=STEPS)

    print(f"\npart {part}: {steps} steps in {time.perf_counter() - began:.1f} s")
    assert steps >= STEPS_AT_LEAST
