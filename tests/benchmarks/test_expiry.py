"""The statements that expiry is held against write the rows that the jobs write."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from benchmarks.books import Books, require_green
from benchmarks.expiring import Step, jobs_of_a_night, open_messages, statements_of_a_night
from benchmarks.rows.expiry import LOTS_EACH, ROWS_OF_A_MEMBER
from benchmarks.stand import Shop
from loyalty.kernel.transaction import run
from tests.factories.members import make_member
from tests.factories.points import earn

LONG_AGO = datetime(2019, 5, 1, 4, tzinfo=UTC)
"""Before anything else in this shop ends."""


def member_with_lots(shop: Shop, *, ends_at: datetime) -> int:
    def make(session: Session) -> int:
        member_id = make_member(session).id
        for hours in range(LOTS_EACH):
            earn(
                session, member_id, 10, at=ends_at - timedelta(days=9), expires_at=ends_at - timedelta(hours=24 * hours)
            )
        return member_id

    return run(shop.database, make)


@pytest.mark.parametrize(
    ("night", "ends_at"),
    [(jobs_of_a_night, LONG_AGO), (statements_of_a_night, LONG_AGO + timedelta(days=10))],
    ids=["the jobs", "the statements"],
)
def test_each_member_costs_the_same_rows(
    shop: Shop, night: Callable[[Shop, datetime], Iterator[Step]], ends_at: datetime
) -> None:
    member_id = member_with_lots(shop, ends_at=ends_at)
    books = Books(shop, ROWS_OF_A_MEMBER)

    for step in night(shop, ends_at):
        step()
        open_messages(shop)

    books.expect(1, by="the night")
    require_green(shop, member_id=member_id)
