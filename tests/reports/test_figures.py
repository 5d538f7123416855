from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.check_ins.models import CheckIn
from loyalty.members.models import Member
from loyalty.notices.models import NoticeDelivery
from loyalty.points import service as points
from loyalty.reports import queries
from loyalty.reports.rollups.standing import recount_standings, standing_of
from loyalty.reports.rules import DAYS_MAX, FIGURES, LABELS, DayFigures, TooManyDays, days_between
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.check_ins import make_plan
from tests.factories.members import make_identity, make_member
from tests.factories.notices import request_notice
from tests.factories.points import earn, spend
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter

TODAY = date(2026, 3, 10)
MIDNIGHT = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
"""The first instant of the tenth of March in Shanghai."""


def member_at(session: Session, *, store_id: int | None = None, at: datetime = MIDNIGHT) -> Member:
    member = make_member(session, enrolled_store_id=store_id, enrolled_at=at)
    points.open_account(session, member_id=member.id, at=at)
    return member


def figures_of(session: Session, zone: ZoneInfo, scope: StoreScope = EVERYTHING) -> list[DayFigures]:
    first = TODAY - timedelta(days=1)
    return queries.daily_figures(session, scope=scope, first=first, last=TODAY, zone=zone)


class TestDailyFigures:
    def test_cut_days_at_midnight_of_the_programme(self, session: Session, zone: ZoneInfo) -> None:
        member_at(session, at=MIDNIGHT - timedelta(microseconds=1))
        member_at(session, at=MIDNIGHT)
        member_at(session, at=MIDNIGHT + timedelta(days=1))

        yesterday, today = figures_of(session, zone)

        assert (yesterday.day, yesterday.new_members) == (TODAY - timedelta(days=1), 1)
        assert (today.day, today.new_members) == (TODAY, 1)

    def test_count_points_issued_and_spent(self, session: Session, zone: ZoneInfo, at: datetime) -> None:
        member = member_at(session)
        earn(session, member.id, 100, at=at)
        earn(session, member.id, 20, at=at - timedelta(days=1))
        spend(session, member.id, 30, at=at)

        yesterday, today = figures_of(session, zone)

        assert (yesterday.points_issued, yesterday.points_spent) == (20, 0)
        assert (today.points_issued, today.points_spent) == (100, 30)

    def test_count_check_ins_by_their_business_date(self, session: Session, zone: ZoneInfo, at: datetime) -> None:
        member, revision = member_at(session), make_plan(session)
        for days_ago in (0, 1):
            session.execute(
                insert(CheckIn).values(
                    member_id=member.id,
                    checked_in_on=TODAY - timedelta(days=days_ago),
                    streak=1,
                    base=1,
                    bonus=0,
                    growth=0,
                    plan_revision=revision,
                    checked_in_at=at,
                )
            )

        assert [day.check_ins for day in figures_of(session, zone)] == [1, 1]

    def test_count_messages_by_what_became_of_them(self, session: Session, zone: ZoneInfo, at: datetime) -> None:
        member = member_at(session)
        identity = make_identity(session, member=member)
        for state in ("sent", "delivered", "refused", "unknown", "unknown", "failed"):
            notice_id = request_notice(session, member_id=member.id, at=at)
            session.execute(
                insert(NoticeDelivery).values(
                    notice_id=notice_id,
                    member_id=member.id,
                    identity_id=identity.id,
                    channel="template",
                    template_id="t",
                    state=state,
                    started_at=at,
                )
            )

        today = figures_of(session, zone)[-1]

        counted = (today.messages_sent, today.messages_refused, today.messages_unknown)
        assert counted == (2, 1, 2)

    def test_of_a_store_are_those_of_its_members(self, session: Session, zone: ZoneInfo, at: datetime) -> None:
        store = make_store(session)
        mine, online = member_at(session, store_id=store.id), member_at(session)
        earn(session, mine.id, 7, at=at)
        earn(session, online.id, 100, at=at)
        scope = StoreScope(is_chain_wide=False, store_ids=frozenset({store.id}))

        today = figures_of(session, zone, scope)[-1]

        assert (today.new_members, today.points_issued) == (1, 7)
        recount_standings(session, at=at)
        assert standing_of(session, scope=scope).points_balance == 7
        assert standing_of(session, scope=EVERYTHING).points_balance >= 107

    def test_without_any_store_are_nothing(self, session: Session, zone: ZoneInfo) -> None:
        member_at(session)
        scope = StoreScope(is_chain_wide=False, store_ids=frozenset())

        assert figures_of(session, zone, scope)[-1] == DayFigures(TODAY)

    def test_take_three_statements_however_many_days(
        self, session: Session, zone: ZoneInfo, statements: StatementCounter
    ) -> None:
        queries.daily_figures(session, scope=EVERYTHING, first=TODAY - timedelta(days=300), last=TODAY, zone=zone)

        assert statements.count == 3


class TestRange:
    def test_holds_every_day_of_a_leap_february(self) -> None:
        days = days_between(date(2028, 2, 28), date(2028, 3, 1))

        assert days == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]

    @pytest.mark.parametrize("days", [-1, DAYS_MAX])
    def test_is_neither_empty_nor_endless(self, days: int) -> None:
        with pytest.raises(TooManyDays):
            days_between(TODAY, TODAY + timedelta(days=days))

    def test_names_every_figure(self) -> None:
        assert tuple(LABELS) == FIGURES
