"""Seals that were taken away and made anew are told from those that the nights before had made."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from jobs import periodic
from jobs.ledger import verify_ledger
from jobs.periodic import Alarm
from loyalty.kernel.runs import JobRun
from tests.factories import earnings, points
from tests.factories.members import make_member
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import perform
from tests.support.tampering import past_triggers, superuser

TABLES = ("ledger_seals", "earnings_seals")


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with superuser(database_url) as connection:
        yield connection


@pytest.fixture
def nights(jobs_container: NullContainer, session: Session, clock: StandingClock) -> list[date]:
    """Three nights have sealed the days before them, on which something was booked."""
    member_id, sealed = make_member(session).id, []
    for number in range(3):
        points.earn(session, member_id, 10, at=clock.at)
        earnings.accrue(session, member_id, 100, reference=f"commission:{number}", at=clock.at)
        sealed.append(clock.at.date())
        seal_at_night(clock)
    assert alarm_of(jobs_container) is None
    return sealed


def seal_at_night(clock: StandingClock) -> None:
    clock.advance(days=1)
    today = clock.at.date().isoformat()
    periodic.perform("seal_ledger", today, today)


def alarm_of(container: NullContainer) -> str | None:
    """Prove the books; return what was found first."""
    try:
        perform(container, verify_ledger)
    except Alarm as alarm:
        return alarm.message
    return None


def take_away(session: Session, table: str, *, since: date) -> None:
    with past_triggers(session):
        session.execute(text(f"DELETE FROM {table} WHERE sealed_on >= :since"), {"since": since})


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("place", [0, 2], ids=["all", "the latest"])
def test_a_night_that_seals_anew_what_was_sealed_before_raises_an_alarm(
    nights: list[date], jobs_container: NullContainer, session: Session, clock: StandingClock, table: str, place: int
) -> None:
    take_away(session, table, since=nights[place])
    seal_at_night(clock)

    assert (alarm_of(jobs_container) or "").startswith(f"{table} {nights[place]}: ")


@pytest.mark.parametrize("table", TABLES)
def test_a_seal_that_is_gone_is_missed_before_the_next_night(
    nights: list[date], jobs_container: NullContainer, session: Session, clock: StandingClock, table: str
) -> None:
    take_away(session, table, since=nights[-1])

    assert (alarm_of(jobs_container) or "").startswith(f"{table} {nights[-1]}: ")


def test_days_that_no_night_had_sealed_are_sealed_late_without_an_alarm(
    nights: list[date], jobs_container: NullContainer, session: Session, clock: StandingClock
) -> None:
    clock.advance(days=3)
    seal_at_night(clock)

    today = clock.at.date()
    run = session.scalars(select(JobRun).where(JobRun.job == "seal_ledger", JobRun.slot == today.isoformat())).one()
    assert (run.result, alarm_of(jobs_container)) == ({"seals_made": 4, "money_seals_made": 4}, None)
    take_away(session, TABLES[0], since=today - timedelta(days=3))
    seal_at_night(clock)
    assert (alarm_of(jobs_container) or "").startswith(f"{TABLES[0]} {today - timedelta(days=3)}: ")


def test_a_release_that_sealed_no_money_told_of_none(
    nights: list[date], jobs_container: NullContainer, session: Session, clock: StandingClock
) -> None:
    take_away(session, "earnings_seals", since=nights[0])
    session.execute(text("UPDATE job_runs SET result = result - 'money_seals_made' WHERE job = 'seal_ledger'"))
    seal_at_night(clock)

    assert alarm_of(jobs_container) is None
