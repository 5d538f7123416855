"""The life of a coupon beside a plain-Python oracle: whatever is done in whatever order, each stands where it should.

Used once at a time, bound by one lock, back with its order or its undone use; early use pays once and only while the
use stands; refunds of an order add up to what was paid for it.
"""

import pytest
from sqlalchemy import Engine

from tests.proofs.coupon_locks import Locking
from tests.proofs.coupon_orders import Ordering
from tests.proofs.coupon_uses import Using
from tests.proofs.machine import live
from tests.support.proof import size

pytestmark = pytest.mark.proof

PARTS = size(reduced=1, full=4)
LIVES, STEPS = size(reduced=8, full=300), size(reduced=40, full=80)
STEPS_AT_LEAST = size(reduced=200, full=15_000)


class LifeOfACoupon(Using, Locking, Ordering):
    """All that can happen to a coupon."""


@pytest.mark.parametrize("part", range(PARTS))
def test_agrees_with_the_oracle_after_every_step(engine: Engine, part: int) -> None:
    steps = live(LifeOfACoupon, engine, part=part, lives=LIVES, steps=STEPS)

    print(f"\npart {part}: {steps} steps")
    assert steps >= STEPS_AT_LEAST
