"""Electronic receipts of payouts (电子回单): asked for and followed until they are made."""

import time
from datetime import datetime
from functools import partial

from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.kernel.database import Json
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.receipts import list_due_receipts
from loyalty.payouts.service.receipts import Desk, step

STEPS_AT_A_TIME = 20
WORK_SECONDS_MAX = 60.0
"""Less than the time that a run is given; what is left falls to the next."""


def take_step(container: Container, payload: Json, _at: datetime) -> None:
    """Apply for a receipt that somebody has just asked for."""
    desk = _desk(container)
    if desk is not None:
        step(desk, payout_id=payload["payout_id"])


def take_due_steps(periodic: PeriodicRun) -> Json:
    """Apply for and ask about what is due, each once in a run."""
    container, desk, taken = periodic.container, _desk(periodic.container), set[int]()
    stop_at, steps = time.monotonic() + WORK_SECONDS_MAX, 0
    if desk is None:
        return {"steps": 0}
    while time.monotonic() < stop_at:
        due = partial(list_due_receipts, at=container.clock.now(), limit=STEPS_AT_A_TIME, taken=taken)
        if not (payout_ids := run(container.database, due)):
            break
        for payout_id in payout_ids:
            if time.monotonic() > stop_at:
                break
            steps += step(desk, payout_id=payout_id)
            taken.add(payout_id)
        periodic.beat()
    return {"steps": steps}


def _desk(container: Container) -> Desk | None:
    if container.pay is None:
        return None
    return Desk(container.database, container.pay, container.clock.now)
