"""Spends points again and again, in a process of its own, as ``benchmarks.processes`` tells it."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from benchmarks.processes import Turns, read_plan, work_again_and_again
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.points.service import spend


def spend_again_and_again(turns: Turns, *, points: int) -> None:
    """Spend so many points each time, by the member that its turn comes to."""

    def work(database: Database, number: int) -> None:
        run(database, lambda session: _spend(session, 1 + number % turns.members, number, points))

    work_again_and_again(turns, work)


def _spend(session: Session, member_id: int, number: int, points: int) -> None:
    at = datetime.now(UTC)
    spend(
        session,
        member_id=member_id,
        points=points,
        reference=f"bench:{number}",
        explanation={"rule": "points_as_money", "order_id": number, "amount_fen": points},
        occurred_at=at,
        at=at,
    )


if __name__ == "__main__":
    plan = read_plan()
    spend_again_and_again(Turns(**plan["turns"]), points=plan["points"])
