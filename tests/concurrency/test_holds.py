"""Holds and debt under fire: each point goes one way, whoever comes first."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.points.models import PointsAccount
from loyalty.points.queries import summary
from loyalty.points.rules import HoldClosed, InsufficientPoints, ReversalExceedsEntry, Shortfall
from loyalty.points.service import HoldView, Posting, release, release_expired, transfer
from tests.concurrency.test_points import balance, new_member
from tests.factories.check_ins import check_in_on, make_plan
from tests.factories.points import assert_books_fit, capture, earn, place, reverse, spend
from tests.support.races import Result, at_once, beside

MINUTE = timedelta(minutes=1)


def call(database: Database, work: Callable[[Session], Result]) -> Callable[[], Result]:
    return lambda: run(database, work)


def held(database: Database, *, points: int = 100, hold: int = 60) -> int:
    """Return a member with a hold under the reference ``cart:1``."""
    member_id = new_member(database, points=points)
    run(database, lambda session: place(session, member_id, hold, reference="cart:1"))
    return member_id


def debt(database: Database, member_id: int) -> int:
    return run(database, lambda session: session.get_one(PointsAccount, member_id).debt)


class TestCapture:
    def test_against_release_ends_as_one_of_them(self, committed_database: Database, at: datetime) -> None:
        for _ in range(5):
            member_id = held(committed_database)

            captured, released = at_once(
                [
                    call(committed_database, lambda session, m=member_id: capture(session, m, "cart:1")),
                    call(
                        committed_database,
                        lambda session, m=member_id: release(session, member_id=m, reference="cart:1", at=at),
                    ),
                ]
            )

            assert sorted(isinstance(result, HoldClosed) for result in (captured, released)) == [False, True]
            assert balance(committed_database, member_id) == (40 if isinstance(captured, Posting) else 100)

    @pytest.mark.parametrize("first", ["capture", "release"])
    def test_while_a_release_is_under_way_is_refused_and_the_other_way_round(
        self, committed_database: Database, at: datetime, first: str
    ) -> None:
        member_id = held(committed_database)
        acts: list[Callable[[Session], object]] = [
            lambda session: capture(session, member_id, "cart:1"),
            lambda session: release(session, member_id=member_id, reference="cart:1", at=at),
        ]

        with pytest.raises(HoldClosed):
            beside(committed_database, *(acts if first == "capture" else reversed(acts)))

        assert balance(committed_database, member_id) == (40 if first == "capture" else 100)

    def test_against_the_job_that_closes_what_ran_out_ends_as_one_of_them(
        self, committed_database: Database, at: datetime
    ) -> None:
        members = [held(committed_database) for _ in range(6)]

        results = at_once(
            [
                call(committed_database, lambda session, m=member_id: capture(session, m, "cart:1"))
                for member_id in members
            ]
            + [
                call(committed_database, lambda session: release_expired(session, at=at + 15 * MINUTE, limit=100))
                for _ in range(2)
            ]
        )

        assert all(isinstance(closed, int) for closed in results[-2:])
        for member_id, result in zip(members, results, strict=False):
            assert isinstance(result, Posting | HoldClosed)
            assert balance(committed_database, member_id) == (40 if isinstance(result, Posting) else 100)

    def test_of_one_hold_ten_times_takes_once(self, committed_database: Database) -> None:
        member_id = held(committed_database)

        results = at_once(
            [call(committed_database, lambda session: capture(session, member_id, "cart:1")) for _ in range(10)]
        )

        assert len({result.entry_id if isinstance(result, Posting) else result for result in results}) == 1
        assert balance(committed_database, member_id) == 40


class TestPlace:
    def test_against_spend_binds_or_spends_each_point_once(self, committed_database: Database, at: datetime) -> None:
        member_id = new_member(committed_database, points=100)

        results = at_once(
            [call(committed_database, lambda session: place(session, member_id, 30)) for _ in range(6)]
            + [call(committed_database, lambda session: spend(session, member_id, 30)) for _ in range(6)]
        )

        done = [result for result in results if not isinstance(result, InsufficientPoints)]
        spent = sum(isinstance(result, Posting) for result in done)
        now = run(committed_database, lambda session: summary(session, member_id=member_id, at=at))
        assert len(done) == 3
        assert balance(committed_database, member_id) == 100 - 30 * spent
        assert (now.available, now.held) == (10, 30 * (3 - spent))

    def test_of_one_reference_at_once_binds_once(self, committed_database: Database, at: datetime) -> None:
        member_id = new_member(committed_database, points=100)

        results = at_once(
            [
                call(committed_database, lambda session: place(session, member_id, 60, reference="cart:1"))
                for _ in range(8)
            ]
        )

        assert len({result.id if isinstance(result, HoldView) else result for result in results}) == 1
        now = run(committed_database, lambda session: summary(session, member_id=member_id, at=at))
        assert (now.available, now.held) == (40, 60)

    def test_against_a_merge_leaves_no_point_bound_at_the_member_who_left(
        self, committed_database: Database, at: datetime
    ) -> None:
        merged, survivor = (new_member(committed_database, points=50) for _ in range(2))

        at_once(
            [call(committed_database, lambda session: place(session, merged, 10)) for _ in range(4)]
            + [
                call(
                    committed_database,
                    lambda session: transfer(
                        session, from_member_id=merged, to_member_id=survivor, reference="merge:1", at=at
                    ),
                )
            ]
        )

        assert [balance(committed_database, member_id) for member_id in (merged, survivor)] == [0, 100]
        now = run(committed_database, lambda session: summary(session, member_id=merged, at=at))
        assert now.held == 0


class TestRefund:
    def test_twice_at_once_of_one_entry_takes_back_once(self, committed_database: Database) -> None:
        member_id = new_member(committed_database)
        earned = run(committed_database, lambda session: earn(session, member_id, 100))
        run(committed_database, lambda session: spend(session, member_id, 70))

        results = at_once(
            [
                call(
                    committed_database,
                    lambda session: reverse(session, member_id, earned.entry_id, shortfall=Shortfall.NEGATIVE),
                )
                for _ in range(2)
            ]
        )

        assert sorted(isinstance(result, ReversalExceedsEntry) for result in results) == [False, True]
        assert balance(committed_database, member_id) == 0
        assert debt(committed_database, member_id) == 70

    def test_in_parts_beside_earns_and_check_ins_owes_and_pays_exactly(
        self, committed_database: Database, at: datetime
    ) -> None:
        run(committed_database, make_plan)
        member_id = new_member(committed_database)
        earned = run(committed_database, lambda session: earn(session, member_id, 100))
        run(committed_database, lambda session: spend(session, member_id, 100))
        days = [at.date() + timedelta(days=offset) for offset in range(0, 10, 2)]

        at_once(
            [
                call(
                    committed_database,
                    lambda session: reverse(
                        session, member_id, earned.entry_id, points=10, shortfall=Shortfall.OFFSET_NEXT_EARN
                    ),
                )
                for _ in range(10)
            ]
            + [call(committed_database, lambda session: earn(session, member_id, 7)) for _ in range(10)]
            + [lambda on=on: check_in_on(committed_database, member_id, on) for on in days]
        )

        assert balance(committed_database, member_id) - debt(committed_database, member_id) == 70 + len(days) - 100
        run(committed_database, lambda session: assert_books_fit(session, member_id))
