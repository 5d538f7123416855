"""Missions and days made up under fire: everything counts once, is paid once, and within its limits."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from loyalty.check_ins.cards import grant_cards, make_up_view
from loyalty.check_ins.making_up import MadeUp, make_up, save_rules
from loyalty.check_ins.models import CheckIn
from loyalty.check_ins.rules import DayNotMissed, MakeUpRules
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.missions.models import MissionReward
from loyalty.missions.rules.errors import MissionRewardClaimed
from loyalty.missions.rules.terms import Limits, MissionEvent
from loyalty.missions.service import Claimed
from tests.factories.check_ins import SHANGHAI, make_plan, noon_of
from tests.factories.members import make_member
from tests.factories.missions import claim, do, make_mission, mission_of, progress_of, steps
from tests.factories.points import assert_books_fit, balance_of
from tests.support.races import at_once

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 10)


def mission_only_for(database: Database, kind: str, **changes: object) -> int:
    """A mission for an event that no other test tells of."""
    terms = mission_of(event=MissionEvent.CUSTOM, custom_kind=kind, **changes)
    return run(database, lambda session: make_mission(session, terms))


def member(database: Database) -> int:
    return run(database, lambda session: make_member(session).id)


def tell(database: Database, member_id: int, kind: str, reference: str) -> None:
    run(
        database,
        lambda session: do(session, member_id, AT, event=MissionEvent.CUSTOM, custom_kind=kind, reference=reference),
    )


class TestAMission:
    def test_claimed_by_fifty_taps_at_once_pays_once(self, committed_database: Database) -> None:
        mission_id = mission_only_for(committed_database, "race.claim", is_claimed_by_hand=True)
        member_id = member(committed_database)
        tell(committed_database, member_id, "race.claim", "one")

        results = at_once(
            [
                lambda: run(committed_database, lambda session: claim(session, member_id, mission_id, AT))
                for _ in range(50)
            ]
        )

        paid = [one for one in results if isinstance(one, Claimed)]
        assert (len(paid), sum(isinstance(one, MissionRewardClaimed) for one in results)) == (1, 49)
        assert run(committed_database, lambda session: balance_of(session, member_id)) == 10
        run(committed_database, lambda session: assert_books_fit(session, member_id))

    def test_reached_by_events_at_once_counts_each_and_pays_each_step_once(self, committed_database: Database) -> None:
        mission_id = mission_only_for(committed_database, "race.events", steps=steps((3, 10), (10, 100)))
        member_id = member(committed_database)

        at_once(
            [
                lambda number=number: tell(committed_database, member_id, "race.events", f"event:{number % 10}")
                for number in range(20)
            ]  # each told twice
        )

        assert run(committed_database, lambda session: progress_of(session, member_id, mission_id, AT)) == 10
        assert run(committed_database, lambda session: balance_of(session, member_id)) == 110

    def test_whose_budget_is_for_a_few_pays_exactly_those(self, committed_database: Database) -> None:
        mission_id = mission_only_for(committed_database, "race.budget", limits=Limits(points_budget=75))
        member_ids = [member(committed_database) for _ in range(20)]

        at_once(
            [
                lambda member_id=member_id: tell(committed_database, member_id, "race.budget", "one")
                for member_id in member_ids
            ]
        )

        paid = run(
            committed_database,
            lambda session: session.scalar(select(func.count()).where(MissionReward.mission_id == mission_id)),
        )
        balances = [run(committed_database, lambda session, one=one: balance_of(session, one)) for one in member_ids]
        assert (paid, sum(balances)) == (7, 70)


class TestAMissedDay:
    def test_made_up_by_many_taps_at_once_is_made_up_once_for_one_card(self, committed_database: Database) -> None:
        member_id, on = member(committed_database), TODAY - timedelta(days=1)
        run(committed_database, make_plan)
        rules, actor = MakeUpRules(days_back=7, month_limit=9), Actor("system:tests")
        run(committed_database, lambda session: save_rules(session, rules=rules, actor=actor, at=AT))
        run(
            committed_database,
            lambda session: grant_cards(session, member_id=member_id, cards=9, reference="test", at=AT),
        )

        results = at_once(
            [
                lambda number=number: run(
                    committed_database,
                    lambda session: make_up(
                        session, member_id=member_id, on=on, key=f"tap-{number}", zone=SHANGHAI, at=noon_of(TODAY)
                    ),
                )
                for number in range(20)
            ]
        )

        assert [type(one) for one in results].count(MadeUp) == 1
        assert [type(one) for one in results].count(DayNotMissed) == 19
        view = run(
            committed_database,
            lambda session: make_up_view(session, member_id=member_id, zone=SHANGHAI, at=noon_of(TODAY)),
        )
        days = run(
            committed_database,
            lambda session: session.scalar(select(func.count()).where(CheckIn.member_id == member_id)),
        )
        assert (view.cards, view.left_this_month, days) == (8, 8, 1)
