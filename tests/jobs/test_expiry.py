"""The jobs of expiry as the schedule runs them: told in the morning, graced in the evening, booked out at night."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import periodic, schedule
from loyalty.kernel.clock import end_of
from loyalty.kernel.database import Json
from loyalty.kernel.runs import JobRun
from loyalty.notices.rules.quiet_hours import BEGINS_LEAST, ENDS_LEAST, ENDS_MOST
from tests.factories.expiry import SHANGHAI, open_inbox
from tests.factories.members import make_member
from tests.factories.points import balance_of, earn
from tests.support.containers import NullContainer, StandingClock

TODAY = date(2026, 3, 10)
TOMORROW = TODAY + timedelta(days=1)
TONIGHT = end_of(TODAY, SHANGHAI)


def perform(session: Session, job: str, on: date = TODAY) -> Json:
    periodic.perform(job, on.isoformat(), on.isoformat())
    query = select(JobRun.result).where(JobRun.job == job, JobRun.business_on == on)
    return session.scalars(query.execution_options(populate_existing=True)).one() or {}


def test_points_are_told_of_graced_and_booked_out(
    jobs_container: NullContainer, session: Session, clock: StandingClock, at: datetime
) -> None:
    knowing, unknowing = make_member(session), make_member(session)
    for member in (knowing, unknowing):
        earn(session, member.id, 100, at=at, expires_at=TONIGHT)
    session.commit()

    assert perform(session, "plan_expiry_notices") == {"notices": 2}
    open_inbox(session, knowing.id, at=at)
    session.commit()
    clock.advance(hours=10)
    assert perform(session, "grant_expiry_graces") == {"lots_told": 1, "lots_graced": 1}
    clock.advance(hours=5)
    assert perform(session, "expire_lots", TOMORROW) == {"entries": 1, "points": 100, "lots_graced": 0}

    assert (balance_of(session, knowing.id), balance_of(session, unknowing.id)) == (0, 100)


@pytest.mark.parametrize("hours", [1, 20])
def test_lots_that_end_at_any_hour_of_the_next_day_are_looked_at_the_evening_before(
    jobs_container: NullContainer, session: Session, at: datetime, hours: int
) -> None:
    member = make_member(session)
    earn(session, member.id, 100, at=at, expires_at=TONIGHT + timedelta(hours=hours))
    earn(session, member.id, 100, at=at, expires_at=TONIGHT + timedelta(hours=24))
    session.commit()

    assert perform(session, "grant_expiry_graces") == {"lots_told": 0, "lots_graced": 1}


def test_members_are_told_before_the_morning_and_graced_after_messages_had_their_time() -> None:
    times = {job.name: job.daily_at for job in schedule.JOBS if job.daily_at}

    assert times["expire_lots"] < times["plan_expiry_notices"] <= ENDS_LEAST
    assert ENDS_MOST < times["grant_expiry_graces"] <= BEGINS_LEAST
    assert times["expire_lots"] < times["verify_ledger"]
