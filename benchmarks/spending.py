"""Spends points again and again, in a process of its own: the plan as JSON on a line of standard input, then ``go``.

``python -m benchmarks.spending`` says ``ready`` before it waits for the second line, and answers with what it did.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from loyalty.kernel.database import connect
from loyalty.kernel.transaction import run
from loyalty.points.service import spend


@dataclass(frozen=True)
class SpendPlan:
    """Which spends: every ``step``-th number from ``first`` on, each by the member that its turn comes to."""

    url: str
    first: int
    step: int
    members: int
    points: int
    seconds: float


@dataclass
class Spent:
    """What was done in how long, with the processor time of this process."""

    done: int = 0
    seconds: float = 0.0
    python_seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)


def spend_again_and_again(plan: SpendPlan) -> Spent:
    """Spend until the time is up, after connecting."""
    database, number, result = connect(plan.url, connections=1), plan.first, Spent()
    with database.engine.connect():
        print("ready", flush=True)
        sys.stdin.readline()
    started_at, used = time.perf_counter(), time.process_time()
    sent_at = started_at
    while sent_at < started_at + plan.seconds:
        run(database, lambda session, number=number: _spend(session, plan, number))  # type: ignore[misc]
        now = time.perf_counter()
        result.latencies_ms.append((now - sent_at) * 1000)
        sent_at = now
        number += plan.step
    result.done, result.seconds = len(result.latencies_ms), sent_at - started_at
    result.python_seconds = time.process_time() - used
    return result


def _spend(session: Session, plan: SpendPlan, number: int) -> None:
    at = datetime.now(UTC)
    spend(
        session,
        member_id=1 + number % plan.members,
        points=plan.points,
        reference=f"bench:{number}",
        explanation={"rule": "points_as_money", "order_id": number, "amount_fen": plan.points},
        occurred_at=at,
        at=at,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(spend_again_and_again(SpendPlan(**json.loads(sys.stdin.readline()))))))
