"""Electronic receipts of payouts (电子回单): asked for and followed until they are made."""

from datetime import datetime

from jobs.due_steps import take_due
from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.kernel.database import Json
from loyalty.payouts.queries.receipts import list_due_receipts
from loyalty.payouts.service.receipts import Desk, step


def take_step(container: Container, payload: Json, _at: datetime) -> None:
    """Apply for a receipt that somebody has just asked for."""
    desk = _desk(container)
    if desk is not None:
        step(desk, payout_id=payload["payout_id"])


def take_due_steps(periodic: PeriodicRun) -> Json:
    """Apply for and ask about what is due, each once in a run."""
    desk = _desk(periodic.container)
    if desk is None:
        return {"steps": 0}
    return {"steps": take_due(periodic, list_due_receipts, lambda payout_id: step(desk, payout_id=payout_id))}


def _desk(container: Container) -> Desk | None:
    if container.pay is None:
        return None
    return Desk(container.database, container.pay, container.clock.now)
