"""Check-ins under fire: fifty taps are one check-in."""

from datetime import date

from sqlalchemy import func, select

from loyalty.check_ins.models import CheckIn
from loyalty.check_ins.queries import CheckInResult
from loyalty.check_ins.rules import AlreadyCheckedIn
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.points.service import open_account
from tests.factories.check_ins import check_in_on, make_plan, noon_of
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of
from tests.support.races import at_once

TODAY = date(2026, 3, 10)


def member_with_account(database: Database, *, has_account: bool = True) -> int:
    member_id = run(database, lambda session: make_member(session).id)
    if has_account:
        run(database, lambda session: open_account(session, member_id=member_id, at=noon_of(TODAY)))
    return member_id


def check_ins_of(database: Database, member_id: int) -> int:
    return run(
        database, lambda session: session.scalars(select(func.count()).where(CheckIn.member_id == member_id)).one()
    )


class TestCheckIn:
    def test_by_fifty_taps_at_once_pays_once(self, committed_database: Database) -> None:
        run(committed_database, make_plan)
        member_id = member_with_account(committed_database)

        results = at_once([lambda: check_in_on(committed_database, member_id, TODAY) for _ in range(50)])

        paid = [result for result in results if isinstance(result, CheckInResult)]
        refused = [result for result in results if isinstance(result, AlreadyCheckedIn)]
        assert (len(paid), len(refused)) == (1, 49)
        assert {refusal.details["balance_after"] for refusal in refused} == {paid[0].balance_after}
        assert check_ins_of(committed_database, member_id) == 1
        assert run(committed_database, lambda session: balance_of(session, member_id)) == 1
        run(committed_database, lambda session: assert_books_fit(session, member_id))

    def test_by_one_request_sent_twenty_times_answers_all_the_same(self, committed_database: Database) -> None:
        run(committed_database, make_plan)
        member_id = member_with_account(committed_database)

        results = at_once(
            [lambda: check_in_on(committed_database, member_id, TODAY, idempotency_key="tap") for _ in range(20)]
        )

        assert {(result.points, result.balance_after) for result in results} == {(1, 1)}
        assert [result.is_replay for result in results].count(False) == 1

    def test_of_a_newcomer_by_many_taps_opens_one_account_and_pays_once(self, committed_database: Database) -> None:
        run(committed_database, make_plan)
        member_id = member_with_account(committed_database, has_account=False)

        results = at_once([lambda: check_in_on(committed_database, member_id, TODAY) for _ in range(20)])

        assert [isinstance(result, CheckInResult) for result in results].count(True) == 1
        assert run(committed_database, lambda session: balance_of(session, member_id)) == 1
        run(committed_database, lambda session: assert_books_fit(session, member_id))
