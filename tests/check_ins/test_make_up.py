"""Days made up: for a card, within the rules, without pay, and the streak is that of the rows."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.check_ins.calendar import calendar_of
from loyalty.check_ins.cards import grant_cards, make_up_view
from loyalty.check_ins.making_up import MadeUp, buy_card, make_up, mend_streaks, save_rules
from loyalty.check_ins.models import CheckIn
from loyalty.check_ins.rules import (
    DayNotMissed,
    InvalidMakeUpPolicy,
    MakeUpDayRefused,
    MakeUpLimitReached,
    MakeUpNotOffered,
    MakeUpRules,
    NoMakeUpCard,
)
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.points.rules import InsufficientPoints
from tests.factories.check_ins import SHANGHAI, check_in_for, check_in_on, make_plan, noon_of
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.support.events import recorded

TODAY = date(2026, 3, 10)
ACTOR = Actor("system:tests")
RULES = MakeUpRules(days_back=5, month_limit=3, card_price=40)
DAY = timedelta(days=1)


@pytest.fixture
def member_id(session: Session) -> int:
    make_plan(session)
    save_rules(session, rules=RULES, actor=ACTOR, at=datetime(2026, 1, 1, tzinfo=UTC))
    member_id = make_member(session).id
    grant_cards(session, member_id=member_id, cards=5, reference="test", at=noon_of(TODAY))
    return member_id


def made_up(session: Session, member_id: int, on: date, *, key: str = "", at: date = TODAY) -> MadeUp:
    return make_up(session, member_id=member_id, on=on, key=key or f"key-{on}", zone=SHANGHAI, at=noon_of(at))


def streaks(session: Session, member_id: int) -> list[int]:
    rows = select(CheckIn.streak).where(CheckIn.member_id == member_id).order_by(CheckIn.checked_in_on)
    return list(session.scalars(rows))


def cards(session: Session, member_id: int) -> int:
    return make_up_view(session, member_id=member_id, zone=SHANGHAI, at=noon_of(TODAY)).cards


class TestADayMadeUp:
    def test_joins_what_came_before_and_after_it_and_pays_nothing(
        self, database: Database, session: Session, member_id: int
    ) -> None:
        check_in_for(database, member_id, TODAY - 4 * DAY, 2)
        check_in_for(database, member_id, TODAY - DAY, 2)
        before = balance_of(session, member_id)

        done = made_up(session, member_id, TODAY - 2 * DAY)

        assert (done.streak, streaks(session, member_id)) == (5, [1, 2, 3, 4, 5])
        assert (balance_of(session, member_id), cards(session, member_id)) == (before, 4)
        (told,) = recorded(session, "check_in.made_up")
        assert told["checked_in_on"] == "2026-03-08"
        assert_books_fit(session, member_id)

    def test_lets_the_next_check_in_pay_by_the_healed_streak_as_shown_ahead(
        self, database: Database, session: Session, member_id: int
    ) -> None:
        check_in_for(database, member_id, TODAY - 6 * DAY, 5)
        made_up(session, member_id, TODAY - DAY)
        shown = calendar_of(session, member_id=member_id, month=TODAY, zone=SHANGHAI, at=noon_of(TODAY)).preview[0]

        paid = check_in_on(database, member_id, TODAY)

        assert (paid.streak, paid.points) == (7, 27) == (shown.award.streak, shown.award.points)

    @pytest.mark.parametrize("missed", [date(2026, 2, 28), date(2028, 2, 29), date(2025, 12, 31)])
    def test_heals_over_the_end_of_a_month_and_a_year(
        self, database: Database, session: Session, member_id: int, missed: date
    ) -> None:
        for on in (missed - DAY, missed + DAY):
            check_in_on(database, member_id, on)

        made_up(session, member_id, missed, at=missed + DAY)

        assert streaks(session, member_id) == [1, 2, 3]

    def test_again_under_its_key_is_a_replay_and_under_another_is_refused_at_no_cost(
        self, session: Session, member_id: int
    ) -> None:
        made_up(session, member_id, TODAY - DAY, key="tap-1")

        again = made_up(session, member_id, TODAY - DAY, key="tap-1")
        with pytest.raises(DayNotMissed):
            made_up(session, member_id, TODAY - DAY, key="tap-2")
        with pytest.raises(IdempotencyKeyReused):
            made_up(session, member_id, TODAY - 2 * DAY, key="tap-1")

        assert (again.is_replay, again.streak, cards(session, member_id)) == (True, 1, 4)

    def test_is_not_answered_by_the_check_in_whose_key_it_comes_with_nor_the_other_way_round(
        self, database: Database, session: Session, member_id: int
    ) -> None:
        check_in_on(database, member_id, TODAY - DAY, idempotency_key="of-a-check-in")
        made_up(session, member_id, TODAY - 2 * DAY, key="of-a-day-made-up")

        with pytest.raises(IdempotencyKeyReused):
            made_up(session, member_id, TODAY - DAY, key="of-a-check-in")
        for on in (TODAY, TODAY - 2 * DAY):
            with pytest.raises(IdempotencyKeyReused):
                check_in_on(database, member_id, on, idempotency_key="of-a-day-made-up")

        assert cards(session, member_id) == 4

    @pytest.mark.parametrize("on", [TODAY, TODAY + DAY, TODAY - 6 * DAY])
    def test_must_be_past_and_not_too_long_ago(self, session: Session, member_id: int, on: date) -> None:
        with pytest.raises(MakeUpDayRefused):
            made_up(session, member_id, on)

    def test_must_lie_after_the_enrolment(self, session: Session, member_id: int) -> None:
        newcomer = make_member(session, enrolled_at=noon_of(TODAY - DAY)).id
        grant_cards(session, member_id=newcomer, cards=1, reference="test", at=noon_of(TODAY))

        view = make_up_view(session, member_id=newcomer, zone=SHANGHAI, at=noon_of(TODAY))

        assert view.days == (TODAY - DAY,)
        with pytest.raises(MakeUpDayRefused):
            made_up(session, newcomer, TODAY - 2 * DAY)

    def test_needs_a_card_and_is_bounded_by_the_month(self, session: Session, member_id: int) -> None:
        empty_handed = make_member(session).id
        for offset in (1, 2, 3):
            made_up(session, member_id, TODAY - offset * DAY)

        with pytest.raises(NoMakeUpCard):
            made_up(session, empty_handed, TODAY - DAY)
        with pytest.raises(MakeUpLimitReached), session.begin_nested():
            made_up(session, member_id, TODAY - 4 * DAY)

        view = make_up_view(session, member_id=member_id, zone=SHANGHAI, at=noon_of(TODAY))
        assert (view.left_this_month, view.cards, view.days) == (0, 2, (TODAY - 5 * DAY, TODAY - 4 * DAY))

    def test_is_refused_while_nothing_is_offered(self, session: Session, member_id: int) -> None:
        save_rules(session, rules=MakeUpRules(0, 1), actor=ACTOR, at=noon_of(TODAY))

        with pytest.raises(MakeUpNotOffered):
            made_up(session, member_id, TODAY - DAY)
        with pytest.raises(MakeUpNotOffered):
            buy_card(session, member_id=member_id, key="tap-1", zone=SHANGHAI, at=noon_of(TODAY))


class TestACard:
    def test_is_bought_for_points_once_by_its_key_and_so_many_a_month(self, session: Session, member_id: int) -> None:
        earn(session, member_id, 500, at=noon_of(TODAY - DAY))

        for key in ("tap-1", "tap-1", "tap-2", "tap-3"):
            buy_card(session, member_id=member_id, key=key, zone=SHANGHAI, at=noon_of(TODAY))
        with pytest.raises(MakeUpLimitReached), session.begin_nested():
            buy_card(session, member_id=member_id, key="tap-4", zone=SHANGHAI, at=noon_of(TODAY))

        assert (balance_of(session, member_id), cards(session, member_id)) == (500 - 3 * 40, 5 + 3)
        assert_books_fit(session, member_id)

    def test_that_cannot_be_paid_is_not_given(self, session: Session, member_id: int) -> None:
        with pytest.raises(InsufficientPoints):
            buy_card(session, member_id=member_id, key="tap-1", zone=SHANGHAI, at=noon_of(TODAY))

        assert cards(session, member_id) == 5


@pytest.mark.parametrize(
    "rules", [MakeUpRules(32, 3), MakeUpRules(-1, 3), MakeUpRules(3, 0), MakeUpRules(3, 3, 0), MakeUpRules(3, 3, 10**7)]
)
def test_rules_that_could_not_be_kept_are_refused(session: Session, rules: MakeUpRules) -> None:
    with pytest.raises(InvalidMakeUpPolicy):
        save_rules(session, rules=rules, actor=ACTOR, at=noon_of(TODAY))


def test_a_streak_that_a_check_in_and_a_make_up_left_apart_is_mended_from_the_rows(
    database: Database, session: Session, member_id: int
) -> None:
    check_in_for(database, member_id, TODAY - 2 * DAY, 3)
    today = session.get_one(CheckIn, (member_id, TODAY))
    today.streak = 1  # as a check-in at the same moment as the make-up of yesterday would have left it
    session.flush()

    for _ in range(2):
        mend_streaks(session, member_id=member_id, on=TODAY - DAY)

    session.expire_all()
    assert streaks(session, member_id) == [1, 2, 3]
