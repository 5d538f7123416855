"""Expiry beside live traffic: a lot is spent or booked out, never both, and nobody deadlocks."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.points.rules import InsufficientPoints
from loyalty.points.service import Posting
from tests.factories.expiry import SHANGHAI, expire, grace, open_inbox, plan
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, spend
from tests.support.races import at_once, beside

LONG_AGO = datetime(2021, 6, 1, 2, tzinfo=UTC)
"""Before anything else that tests commit, whose lots must not end here."""
MIDNIGHT = datetime(2021, 6, 2, tzinfo=SHANGHAI).astimezone(UTC)
INSTANT = timedelta(microseconds=1)


def told_members(database: Database, count: int, *, points: int = 100) -> list[int]:
    def make(session: Session) -> list[int]:
        members = [make_member(session).id for _ in range(count)]
        for member_id in members:
            earn(session, member_id, points, at=LONG_AGO, expires_at=MIDNIGHT)
        plan(session, LONG_AGO)
        for member_id in members:
            open_inbox(session, member_id, at=LONG_AGO)
        return members

    return run(database, make)


def balances(database: Database, members: list[int]) -> list[int]:
    def read(session: Session) -> list[int]:
        for member_id in members:
            assert_books_fit(session, member_id)
        return [balance_of(session, member_id) for member_id in members]

    return run(database, read)


@pytest.mark.parametrize("spent_at", [MIDNIGHT - INSTANT, MIDNIGHT], ids=["in time", "too late"])
def test_of_a_lot_that_is_spent_at_the_same_moment_happens_once(
    committed_database: Database, spent_at: datetime
) -> None:
    members = told_members(committed_database, 6)

    results = at_once(
        [
            lambda: run(committed_database, lambda session: expire(session, MIDNIGHT)),
            *(
                lambda member_id=member_id: run(
                    committed_database, lambda session: spend(session, member_id, 100, at=spent_at)
                )
                for member_id in members
            ),
        ]
    )

    assert balances(committed_database, members) == [0] * 6
    spent = [result for result in results[1:] if isinstance(result, Posting)]
    refused = [result for result in results[1:] if isinstance(result, InsufficientPoints)]
    assert len(spent) + len(refused) == 6
    assert results[0] == 100 * (6 - len(spent))
    if spent_at >= MIDNIGHT:
        assert not spent


def test_of_a_lot_whose_spend_is_under_way_books_out_what_that_leaves(committed_database: Database) -> None:
    members = told_members(committed_database, 3)

    booked_out = beside(
        committed_database,
        lambda session: spend(session, members[1], 30, at=MIDNIGHT - INSTANT),
        lambda session: expire(session, MIDNIGHT),
    )

    assert booked_out == 270
    assert balances(committed_database, members) == [0] * 3


def test_under_way_leaves_nothing_to_a_spend_that_waits_for_it(committed_database: Database) -> None:
    members = told_members(committed_database, 3)

    with pytest.raises(InsufficientPoints):
        beside(
            committed_database,
            lambda session: expire(session, MIDNIGHT),
            lambda session: spend(session, members[1], 30, at=MIDNIGHT - INSTANT),
        )

    assert balances(committed_database, members) == [0] * 3


def test_by_two_runs_at_once_books_out_once(committed_database: Database) -> None:
    members = told_members(committed_database, 8)

    results = at_once(
        [
            lambda name=name: run(committed_database, lambda session: expire(session, MIDNIGHT, run=name, limit=3))
            for name in ("one", "one", "two", "two")
        ]
    )

    assert not [result for result in results if isinstance(result, LoyaltyError)]
    assert sum(result for result in results if isinstance(result, int)) == 800
    assert balances(committed_database, members) == [0] * 8


def test_beside_graces_and_members_who_earn_loses_no_update(committed_database: Database) -> None:
    members = told_members(committed_database, 4)

    def work(member_id: int) -> None:
        for _ in range(10):
            run(committed_database, lambda session: earn(session, member_id, 7, at=MIDNIGHT))

    results = at_once(
        [
            *(lambda member_id=member_id: work(member_id) for member_id in members),
            *(lambda: run(committed_database, lambda session: expire(session, MIDNIGHT, limit=2)) for _ in range(2)),
            lambda: run(committed_database, lambda session: grace(session, MIDNIGHT - timedelta(hours=4))),
        ]
    )

    assert not [result for result in results if isinstance(result, LoyaltyError)]
    assert balances(committed_database, members) == [70] * 4
