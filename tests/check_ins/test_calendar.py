from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.check_ins.calendar import CheckInCalendar, calendar_of
from loyalty.check_ins.queries import list_plans
from loyalty.check_ins.rules import Plan
from loyalty.kernel.database import Database
from tests.factories.check_ins import WEEK, check_in_for, check_in_on, make_plan, noon_of
from tests.factories.members import make_member
from tests.support.statements import StatementCounter

TODAY = date(2026, 3, 10)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def calendar(session: Session, member_id: int, *, on: date = TODAY, month: date = TODAY) -> CheckInCalendar:
    return calendar_of(session, member_id=member_id, month=month, zone=SHANGHAI, at=noon_of(on))


class TestCalendar:
    def test_shows_the_days_of_the_month_and_the_streak(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)
        check_in_for(database, member.id, date(2026, 2, 27), 4)
        check_in_for(database, member.id, date(2026, 3, 8), 3)

        shown = calendar(session, member.id)

        assert [day.on for day in shown.days] == [date(2026, 3, day) for day in (1, 2, 8, 9, 10)]
        assert [day.points for day in shown.days] == [3, 4, 1, 2, 3]
        assert (shown.month, shown.today) == (date(2026, 3, 1), TODAY)
        assert (shown.streak, shown.has_checked_in_today) == (3, True)

    @pytest.mark.parametrize(
        ("last", "streak"), [(TODAY - timedelta(days=1), 2), (TODAY - timedelta(days=2), 0)], ids=["kept", "lost"]
    )
    def test_before_todays_check_in_shows_the_streak_that_still_counts(
        self, database: Database, session: Session, last: date, streak: int
    ) -> None:
        make_plan(session)
        member = make_member(session)
        check_in_for(database, member.id, last - timedelta(days=1), 2)

        shown = calendar(session, member.id)

        assert (shown.streak, shown.has_checked_in_today) == (streak, False)

    def test_of_another_month_still_shows_todays_streak(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)
        check_in_for(database, member.id, TODAY, 1)

        shown = calendar(session, member.id, month=date(2026, 1, 15))

        assert (shown.days, shown.streak, shown.has_checked_in_today) == ([], 1, True)

    def test_of_a_newcomer_without_a_plan_is_empty(self, session: Session) -> None:
        member = make_member(session)

        shown = calendar(session, member.id)

        assert (list(shown.days), list(shown.preview), shown.streak) == ([], [], 0)

    def test_is_two_statements(self, session: Session, statements: StatementCounter) -> None:
        make_plan(session)
        member = make_member(session)
        statements.clear()

        calendar(session, member.id)

        assert statements.count == 2


class TestPreview:
    def test_is_what_the_next_days_then_pay(self, database: Database, session: Session) -> None:
        make_plan(session)
        make_plan(session, Plan(points_by_day=(50, 60), bonus_by_day={2: 5}), live_from_on=date(2026, 3, 13))
        member = make_member(session)
        check_in_for(database, member.id, date(2026, 3, 8), 2)

        promised = calendar(session, member.id).preview
        paid = check_in_for(database, member.id, TODAY, 7)

        assert [day.on for day in promised] == [result.checked_in_on for result in paid]
        assert [day.award.points for day in promised] == [result.points for result in paid]
        assert [day.award.streak for day in promised] == [result.streak for result in paid]
        assert [day.award.points for day in promised] == [3, 4, 5, 65, 50, 65, 50]

    def test_begins_tomorrow_once_today_is_done(self, database: Database, session: Session) -> None:
        make_plan(session)
        member = make_member(session)
        check_in_on(database, member.id, TODAY)

        promised = calendar(session, member.id).preview

        assert (promised[0].on, promised[0].award.streak) == (TODAY + timedelta(days=1), 2)

    def test_leaves_out_days_before_the_first_plan_begins(self, session: Session) -> None:
        make_plan(session, live_from_on=TODAY + timedelta(days=2))
        member = make_member(session)

        promised = calendar(session, member.id).preview

        assert promised[0].on == TODAY + timedelta(days=2)


class TestListPlans:
    def test_returns_revisions_newest_first_as_they_were_saved(self, session: Session) -> None:
        first = make_plan(session)
        second = make_plan(session, Plan(points_by_day=(3,)), live_from_on=datetime(2026, 5, 1).date())

        plans = list_plans(session)

        assert [(one.revision, one.live_from_on, one.plan) for one in plans] == [
            (second, date(2026, 5, 1), Plan(points_by_day=(3,))),
            (first, date(2020, 1, 2), WEEK),
        ]
