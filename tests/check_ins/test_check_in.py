from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.check_ins import service
from loyalty.check_ins.models import CheckIn
from loyalty.check_ins.rules import (
    AlreadyCheckedIn,
    CheckInStoreNotFound,
    InvalidIdempotencyKey,
    NoCheckInPlan,
    Plan,
)
from loyalty.kernel.database import Database
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.service import open_account
from tests.factories.check_ins import check_in_for, check_in_on, make_plan, noon_of
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, events_of
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter

TODAY = date(2026, 3, 10)


def rows_of(session: Session, member_id: int) -> int:
    return session.scalars(select(func.count()).where(CheckIn.member_id == member_id)).one()


def new_member_with_account(session: Session) -> int:
    member = make_member(session)
    open_account(session, member_id=member.id, at=datetime(2026, 3, 1, tzinfo=ZoneInfo("UTC")))
    session.flush()
    return member.id


class TestCheckIn:
    def test_pays_the_day_of_the_streak_and_explains_it(self, database: Database, session: Session) -> None:
        revision = make_plan(session)
        member = make_member(session)

        result = check_in_on(database, member.id, TODAY)

        entry = session.scalars(select(LedgerEntry).where(LedgerEntry.member_id == member.id)).one()
        lot = session.scalars(select(Lot).where(Lot.member_id == member.id)).one()
        assert (result.checked_in_on, result.streak, result.base, result.bonus) == (TODAY, 1, 1, 0)
        assert (result.points, result.growth, result.balance_after) == (1, 2, 1)
        assert (result.plan_revision, result.is_replay) == (revision, False)
        assert (entry.reference, entry.actor) == ("check_in:2026-03-10", f"member:{member.id}")
        assert entry.explanation == {
            "rule": "check_in",
            "plan_revision": revision,
            "streak": 1,
            "base": 1,
            "bonus": 0,
        }
        assert lot.expires_at == datetime(2026, 4, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
        assert_books_fit(session, member.id)

    def test_tells_of_the_points_and_of_the_check_in(self, database: Database, session: Session) -> None:
        revision = make_plan(session)
        member = make_member(session)
        store = make_store(session)

        check_in_on(database, member.id, TODAY, store_id=store.id)

        events = dict(events_of(session, member.id))
        assert events["points.earned"]["source"] == "check_in"
        told_at = events["check_in.recorded"].pop("checked_in_at")
        assert datetime.fromisoformat(str(told_at)) == noon_of(TODAY)
        assert events["check_in.recorded"] == {
            "member_id": member.id,
            "checked_in_on": "2026-03-10",
            "streak": 1,
            "base": 1,
            "bonus": 0,
            "growth": 2,
            "plan_revision": revision,
            "store_id": store.id,
        }

    def test_is_one_statement_once_the_plan_is_known(
        self, database: Database, session: Session, statements: StatementCounter
    ) -> None:
        make_plan(session)
        first, second = (new_member_with_account(session) for _ in range(2))
        statements.clear()

        check_in_on(database, first, TODAY)
        assert statements.count == 2
        statements.clear()
        check_in_on(database, second, TODAY)
        assert statements.count == 1

    def test_of_a_day_that_pays_nothing_is_recorded_without_an_entry(
        self, database: Database, session: Session
    ) -> None:
        make_plan(session, Plan(points_by_day=(0, 9)))
        member = make_member(session)
        earn(session, member.id, 7)

        result = check_in_on(database, member.id, TODAY)

        assert (result.points, result.balance_after) == (0, 7)
        assert rows_of(session, member.id) == 1
        assert balance_of(session, member.id) == 7
        assert [kind for kind, _ in events_of(session, member.id)] == ["points.earned", "check_in.recorded"]

    def test_without_a_plan_is_refused(self, database: Database, session: Session) -> None:
        make_plan(session, live_from_on=TODAY + timedelta(days=1))
        member = make_member(session)

        with pytest.raises(NoCheckInPlan):
            check_in_on(database, member.id, TODAY)

    def test_at_an_unknown_store_is_refused(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)

        with pytest.raises(CheckInStoreNotFound):
            check_in_on(database, member.id, TODAY, store_id=10**9)

        assert rows_of(session, member.id) == 0

    def test_at_an_unknown_store_is_refused_also_when_the_plan_is_known(
        self, database: Database, session: Session
    ) -> None:
        make_plan(session)
        check_in_on(database, new_member_with_account(session), TODAY)
        member_id = new_member_with_account(session)

        with pytest.raises(CheckInStoreNotFound):
            check_in_on(database, member_id, TODAY, store_id=10**9)

        assert rows_of(session, member_id) == 0

    def test_of_a_newcomer_opens_their_account_also_when_the_plan_is_known(
        self, database: Database, session: Session
    ) -> None:
        make_plan(session)
        check_in_on(database, new_member_with_account(session), TODAY)
        newcomer = make_member(session)

        assert check_in_on(database, newcomer.id, TODAY).balance_after == 1
        assert_books_fit(session, newcomer.id)

    @pytest.mark.parametrize("key", ["", "k" * 201, "密钥", "a\x00b", "a\nb"])
    def test_with_a_key_that_cannot_be_stored_is_refused(self, database: Database, session: Session, key: str) -> None:
        make_plan(session)
        member = make_member(session)

        with pytest.raises(InvalidIdempotencyKey):
            check_in_on(database, member.id, TODAY, idempotency_key=key)


class TestASecondTap:
    def test_with_the_same_key_answers_as_the_first_time(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)
        first = check_in_on(database, member.id, TODAY, idempotency_key="tap")
        earn(session, member.id, 500)

        again = check_in_on(database, member.id, TODAY, idempotency_key="tap")

        assert again.is_replay
        assert (again.checked_in_on, again.points, again.balance_after) == (TODAY, first.points, first.balance_after)
        assert rows_of(session, member.id) == 1

    def test_with_the_same_key_after_midnight_answers_as_the_first_time(
        self, database: Database, session: Session
    ) -> None:
        make_plan(session)
        member = make_member(session)
        check_in_on(database, member.id, TODAY, idempotency_key="tap")

        again = check_in_on(database, member.id, TODAY + timedelta(days=1), idempotency_key="tap")

        assert (again.is_replay, again.checked_in_on) == (True, TODAY)

    def test_with_the_same_key_at_another_store_is_refused(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)
        check_in_on(database, member.id, TODAY, idempotency_key="tap", store_id=make_store(session).id)

        with pytest.raises(IdempotencyKeyReused):
            check_in_on(database, member.id, TODAY, idempotency_key="tap", store_id=make_store(session).id)

    @pytest.mark.parametrize("key", ["another", None])
    def test_with_another_key_is_refused_with_todays_result(
        self, database: Database, session: Session, key: str | None
    ) -> None:
        revision = make_plan(session)
        member = make_member(session)
        check_in_on(database, member.id, TODAY)

        with pytest.raises(AlreadyCheckedIn) as refusal:
            check_in_on(database, member.id, TODAY, idempotency_key=key)

        assert refusal.value.details == {
            "checked_in_on": "2026-03-10",
            "streak": 1,
            "base": 1,
            "bonus": 0,
            "points": 1,
            "growth": 2,
            "balance_after": 1,
            "plan_revision": revision,
        }
        assert balance_of(session, member.id) == 1

    def test_by_another_member_with_the_same_key_is_their_own_check_in(
        self, database: Database, session: Session
    ) -> None:
        make_plan(session)
        member, other = make_member(session), make_member(session)
        check_in_on(database, member.id, TODAY, idempotency_key="tap")

        result = check_in_on(database, other.id, TODAY, idempotency_key="tap")

        assert not result.is_replay


class TestTransfer:
    def test_gives_the_survivor_the_days_it_does_not_have(self, database: Database, session: Session) -> None:
        make_plan(session)
        merged, survivor = make_member(session), make_member(session)
        check_in_for(database, merged.id, TODAY - timedelta(days=2), 3)
        check_in_on(database, survivor.id, TODAY)

        moved = service.transfer(session, from_member_id=merged.id, to_member_id=survivor.id)

        assert moved == 2
        assert rows_of(session, survivor.id) == 3
        assert rows_of(session, merged.id) == 1

    def test_keeps_the_survivor_from_checking_in_twice_on_the_day(self, database: Database, session: Session) -> None:
        make_plan(session)
        merged, survivor = make_member(session), make_member(session)
        check_in_on(database, merged.id, TODAY)
        open_account(session, member_id=survivor.id, at=datetime(2026, 3, 1, tzinfo=ZoneInfo("UTC")))

        service.transfer(session, from_member_id=merged.id, to_member_id=survivor.id)

        with pytest.raises(AlreadyCheckedIn):
            check_in_on(database, survivor.id, TODAY)
