"""Steps that are due: taken a few at a time, each once in a run, for as long as a run may last."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from jobs.periodic import PeriodicRun
from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run

STEPS_AT_A_TIME = 20
WORK_SECONDS_MAX = 50.0
"""Less than the minute between two runs; what is left falls to the next."""


class Due(Protocol):
    """A query for what is due."""

    def __call__(self, session: Session, *, at: datetime, limit: int, taken: Collection[int]) -> Sequence[int]:
        """Return the ids about which something is due, without those that were ``taken``."""


def take_due(periodic: PeriodicRun, due: Due, take: Callable[[int], int]) -> int:
    """Take what is due; return how many steps that were.

    Looked for again after each few, so that what was asked for meanwhile does not wait behind what is old.
    """
    container, steps = periodic.container, 0
    stop_at, taken = time.monotonic() + WORK_SECONDS_MAX, set[int]()
    while time.monotonic() < stop_at:
        look = partial(due, at=container.clock.now(), limit=STEPS_AT_A_TIME, taken=taken)
        if not (found := run(container.database, look)):
            break
        for each in found:
            if time.monotonic() > stop_at:
                break
            steps += take(each)
            taken.add(each)
            periodic.beat()
    return steps
