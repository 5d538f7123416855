from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.check_ins import service
from loyalty.check_ins.rules import Plan
from loyalty.kernel.database import Database
from loyalty.points.statement import list_entries
from tests.factories.check_ins import check_in_for, check_in_on, make_plan
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit

TODAY = date(2026, 3, 10)


class TestStreaks:
    def test_grow_day_by_day_and_the_cycle_starts_anew(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)

        results = check_in_for(database, member.id, TODAY, 9)

        assert [result.streak for result in results] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
        assert [result.points for result in results] == [1, 2, 3, 4, 5, 6, 27, 1, 2]
        reason = list_entries(session, member_id=member.id, limit=100).items[2].reason
        assert reason == "连续签到第7天，基础7积分＋连签奖励20积分"
        assert_books_fit(session, member.id)

    def test_begin_again_after_a_missed_day(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)
        check_in_for(database, member.id, TODAY, 3)

        result = check_in_on(database, member.id, TODAY + timedelta(days=4))

        assert result.streak == 1

    @pytest.mark.parametrize(
        ("first", "days"),
        [
            (date(2026, 1, 30), 4),
            (date(2025, 12, 30), 4),
            (date(2028, 2, 27), 4),
            (date(2026, 2, 27), 4),
        ],
        ids=["month", "year", "leap day", "no leap day"],
    )
    def test_go_on_across(self, database: Database, session: Session, first: date, days: int) -> None:
        make_plan(session)
        member = make_member(session)

        results = check_in_for(database, member.id, first, days)

        assert [result.streak for result in results] == list(range(1, days + 1))

    def test_turn_at_midnight_in_shanghai(self, database: Database, session: Session, zone: ZoneInfo) -> None:
        make_plan(session)
        member = make_member(session)
        before, after = datetime(2026, 3, 10, 23, 59, 59, 999999, zone), datetime(2026, 3, 11, 0, 0, 0, 0, zone)

        results = [
            service.check_in(database, member_id=member.id, idempotency_key=None, zone=zone, at=at)
            for at in (before, after)
        ]

        assert [result.checked_in_on for result in results] == [date(2026, 3, 10), date(2026, 3, 11)]
        assert [result.streak for result in results] == [1, 2]

    def test_are_paid_by_the_plan_in_force_on_the_day(self, database: Database, session: Session) -> None:
        make_plan(session)
        make_plan(session, Plan(points_by_day=(100, 200)), live_from_on=TODAY + timedelta(days=1))
        member = make_member(session)

        results = check_in_for(database, member.id, TODAY, 2)

        assert [result.points for result in results] == [1, 200]

    def test_are_paid_by_a_plan_that_was_saved_since_the_last_one(self, database: Database, session: Session) -> None:
        make_plan(session)
        old = check_in_on(database, make_member(session).id, TODAY)
        revision = make_plan(session, Plan(points_by_day=(3,), bonus_by_day={1: 4}, growth=9))

        result = check_in_on(database, make_member(session).id, TODAY)

        assert result.plan_revision == revision != old.plan_revision
        assert (result.base, result.bonus, result.growth, result.balance_after) == (3, 4, 9, 7)
