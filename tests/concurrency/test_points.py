"""Points under fire: no update is lost, nothing is posted twice, and the books fit afterwards."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.points import service
from loyalty.points.rules import InsufficientPoints, ReversalExceedsEntry
from loyalty.points.service import Posting
from loyalty.points.service.transfers import Transfer
from tests.factories.check_ins import SHANGHAI, check_in_on, make_plan
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, lots_of, reverse, spend
from tests.support.races import at_once


def in_transaction(database: Database, work: Callable[[Session], Posting]) -> Callable[[], Posting]:
    return lambda: run(database, work)


def new_member(database: Database, *, points: int = 0) -> int:
    def make(session: Session) -> int:
        member = make_member(session)
        if points:
            earn(session, member.id, points)
        return member.id

    return run(database, make)


def balance(database: Database, member_id: int) -> int:
    run(database, lambda session: assert_books_fit(session, member_id))
    return run(database, lambda session: balance_of(session, member_id))


class TestEarn:
    @pytest.mark.parametrize("points", [0, 100], ids=["without an account", "with an account"])
    def test_twenty_times_at_once_adds_up_exactly(self, committed_database: Database, points: int) -> None:
        member_id = new_member(committed_database, points=points)

        results = at_once(
            [
                in_transaction(committed_database, lambda session, each=each: earn(session, member_id, each))
                for each in range(1, 21)
            ]
        )

        assert sorted(result.points for result in results) == list(range(1, 21))
        assert balance(committed_database, member_id) == points + 210

    def test_of_one_reference_twenty_times_at_once_gives_once(self, committed_database: Database) -> None:
        member_id = new_member(committed_database, points=1)

        results = at_once(
            [
                in_transaction(committed_database, lambda session: earn(session, member_id, 30, reference="order:1"))
                for _ in range(20)
            ]
        )

        assert [result.is_replay for result in results].count(False) == 1
        assert len({result.entry_id for result in results}) == 1
        assert balance(committed_database, member_id) == 31


class TestSpend:
    def test_by_two_tills_of_the_same_points_succeeds_once(self, committed_database: Database) -> None:
        member_id = new_member(committed_database, points=100)

        results = at_once(
            [in_transaction(committed_database, lambda session: spend(session, member_id, 80)) for _ in range(2)]
        )

        assert sorted(isinstance(result, InsufficientPoints) for result in results) == [False, True]
        assert balance(committed_database, member_id) == 20

    def test_never_takes_more_than_there_is(self, committed_database: Database) -> None:
        member_id = new_member(committed_database, points=100)

        results = at_once(
            [in_transaction(committed_database, lambda session: spend(session, member_id, 30)) for _ in range(12)]
        )

        assert [isinstance(result, Posting) for result in results].count(True) == 3
        assert balance(committed_database, member_id) == 10

    def test_of_one_reference_at_once_takes_once(self, committed_database: Database) -> None:
        member_id = new_member(committed_database, points=100)

        results = at_once(
            [
                in_transaction(committed_database, lambda session: spend(session, member_id, 30, reference="x:1"))
                for _ in range(12)
            ]
        )

        assert [result.is_replay for result in results].count(False) == 1
        assert balance(committed_database, member_id) == 70


class TestReverse:
    def test_in_parts_at_once_never_adds_up_to_more_than_the_entry(self, committed_database: Database) -> None:
        member_id = new_member(committed_database, points=100)
        spent = run(committed_database, lambda session: spend(session, member_id, 100))

        results = at_once(
            [
                in_transaction(
                    committed_database, lambda session: reverse(session, member_id, spent.entry_id, points=40)
                )
                for _ in range(8)
            ]
        )

        refused = [result for result in results if isinstance(result, ReversalExceedsEntry)]
        assert len(refused) == 6
        assert balance(committed_database, member_id) == 80


class TestEverythingAtOnce:
    def test_on_one_member_loses_no_update(self, committed_database: Database, at: datetime) -> None:
        run(committed_database, make_plan)
        member_id = new_member(committed_database, points=1_000)
        days = [at.date() + timedelta(days=offset) for offset in range(0, 40, 2)]
        earns = [in_transaction(committed_database, lambda session: earn(session, member_id, 7)) for _ in range(15)]
        spends = [in_transaction(committed_database, lambda session: spend(session, member_id, 9)) for _ in range(15)]
        check_ins = [lambda on=on: check_in_on(committed_database, member_id, on) for on in days]

        results = at_once([*earns, *spends, *check_ins])

        assert not [result for result in results if isinstance(result, LoyaltyError)]
        assert balance(committed_database, member_id) == 1_000 + 15 * 7 - 15 * 9 + len(days) * 1


class TestTransfer:
    def test_both_ways_at_once_neither_deadlocks_nor_loses_points(
        self, committed_database: Database, at: datetime
    ) -> None:
        one, other = (new_member(committed_database, points=50) for _ in range(2))

        def move(from_member_id: int, to_member_id: int, number: int) -> Callable[[], Transfer | None]:
            return lambda: run(
                committed_database,
                lambda session: service.transfer(
                    session,
                    from_member_id=from_member_id,
                    to_member_id=to_member_id,
                    reference=f"merge:{from_member_id}:{number}",
                    at=at,
                ),
            )

        at_once([move(one, other, number) for number in range(8)] + [move(other, one, number) for number in range(8)])

        assert balance(committed_database, one) + balance(committed_database, other) == 100


class TestVerify:
    def test_beside_postings_never_raises_a_false_alarm(self, committed_database: Database, at: datetime) -> None:
        members = [new_member(committed_database, points=500) for _ in range(3)]

        def post(number: int) -> None:
            for _ in range(15):
                run(committed_database, lambda session: earn(session, members[number % 3], 5))
                run(committed_database, lambda session: spend(session, members[number % 3], 6))

        def prove(member_id: int) -> None:
            for _ in range(15):
                run(committed_database, lambda session: assert_books_fit(session, member_id))

        at_once(
            [lambda number=number: post(number) for number in range(6)]
            + [lambda member_id=member_id: prove(member_id) for member_id in members]
        )

        assert [run(committed_database, lambda s, m=m: len(lots_of(s, m))) for m in members] == [31, 31, 31]


class TestSeal:
    def test_twice_at_once_seals_once(self, committed_database: Database) -> None:
        on = datetime(2024, 5, 1, tzinfo=SHANGHAI)

        made = at_once(
            [
                lambda: run(
                    committed_database,
                    lambda session: service.seal(
                        session, seal_key=b"k" * 32, on=on.date(), zone=SHANGHAI, at=on + timedelta(days=2)
                    ),
                )
                for _ in range(4)
            ]
        )

        assert sorted(made) == [0, 0, 0, 1]
