"""The roll-ups, as the schedule keeps them and proves them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import create_app
from jobs import periodic
from loyalty.container import Container
from loyalty.reports.rollups.figures import POINTS
from loyalty.reports.rollups.models import FactsOfDay, PointsOfDay, StandingOfStore
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.jobs.test_periodic import the_run
from tests.support.containers import NullContainer


@pytest.fixture
def earned(session: Session, at: datetime) -> int:
    member = make_member(session, enrolled_at=at - timedelta(days=70))
    return earn(session, member.id, 100, at=at).entry_id


def test_are_made_of_everything_there_is(jobs_container: Container, session: Session, earned: int) -> None:
    for name, slot in (
        ("roll_points", "2026-03-10T10-00"),
        ("recount_days", "2026-03-10T10-00"),
        ("recount_standings", "2026-03-10T10-00"),
    ):
        periodic.perform(name, slot, "2026-03-10")

    assert session.scalars(select(PointsOfDay.points_issued)).all() == [100]
    assert session.scalars(select(FactsOfDay.new_members).where(FactsOfDay.new_members > 0)).all() == [1]
    assert session.scalars(select(StandingOfStore.points_balance)).all() == [100]


def test_that_differ_from_their_rows_are_an_alarm_at_night(
    jobs_container: Container, session: Session, earned: int
) -> None:
    periodic.perform("roll_points", "2026-03-10T10-00", "2026-03-10")
    session.execute(update(PointsOfDay).values(points_issued=99))

    periodic.perform("verify_ledger", "2026-03-10", "2026-03-10")

    told = the_run(session, "verify_ledger").error
    assert told == "points_by_day 2026-03-10 store 0: points_issued is 99, its rows come to 100"


def test_are_built_again_by_a_command(container: NullContainer, session: Session, earned: int) -> None:
    runner = create_app(container).test_cli_runner()
    session.add(
        PointsOfDay(business_on=container.clock.now().date(), store_id=7, **dict.fromkeys(("entries", *POINTS), 3))
    )
    session.flush()
    assert runner.invoke(args=["ledger", "verify"]).exit_code == 1

    assert runner.invoke(args=["ledger", "rebuild-rollups"]).exit_code == 0

    proved = runner.invoke(args=["ledger", "verify"])
    assert (proved.exit_code, "Everything fits." in proved.output) == (0, True)
    assert session.scalars(select(PointsOfDay.entries)).all() == [1]
