"""The timetable: what runs next, what was missed, and another start that is safe."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel import runs, timetable
from loyalty.kernel.timetable import JobNotFound, JobNotYetRun, JobStillRunning, next_run_at

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 3, 10)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Line:
    name: str = "nightly"
    queue: str = "nightly"
    daily_at: time | None = time(3)
    every_minutes: int | None = None


OFTEN = Line("often", daily_at=None, every_minutes=5)


def shanghai(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    return datetime(2026, 3, 10, hour, minute, tzinfo=SHANGHAI) + days * DAY


def publish(session: Session, *lines: Line, at: datetime) -> None:
    timetable.publish(session, lines=lines, at=at)


def finish(session: Session, job: str, slot: str, at: datetime) -> None:
    runs.claim(session, job=job, slot=slot, business_on=date.fromisoformat(slot[:10]), at=at)
    runs.finish(session, job=job, slot=slot, result={}, at=at)


def missed(session: Session, at: datetime) -> int:
    return timetable.count_missed(session, zone=SHANGHAI, at=at)


@pytest.mark.parametrize(
    ("line", "at", "next_at"),
    [
        (Line(), shanghai(2, 59), shanghai(3)),
        (Line(), shanghai(3), shanghai(3, days=1)),
        (OFTEN, shanghai(10, 4), shanghai(10, 5)),
        (OFTEN, shanghai(10, 5), shanghai(10, 10)),
        (OFTEN, shanghai(23, 59), shanghai(0, days=1)),
        (Line(daily_at=None, every_minutes=7), shanghai(23, 58), shanghai(0, days=1)),
    ],
)
def test_the_next_run(line: Line, at: datetime, next_at: datetime) -> None:
    assert next_run_at(line, zone=SHANGHAI, at=at) == next_at


def test_a_daily_job_is_missed_an_hour_after_its_time_until_it_was_done(session: Session) -> None:
    publish(session, Line(), at=shanghai(0))

    assert (missed(session, shanghai(3, 59)), missed(session, shanghai(4, 0))) == (0, 1)
    finish(session, "nightly", "2026-03-10", shanghai(9))
    assert missed(session, shanghai(9)) == 0
    assert (missed(session, shanghai(3, 59, days=1)), missed(session, shanghai(4, days=1))) == (0, 1)


def test_what_was_due_before_a_job_came_on_the_schedule_was_not_missed(session: Session) -> None:
    publish(session, Line(), at=shanghai(12))
    publish(session, Line(), at=shanghai(13))

    assert missed(session, shanghai(23)) == 0
    assert missed(session, shanghai(5, days=1)) == 1


def test_a_job_that_runs_and_is_alive_is_not_missed_and_a_dead_one_is(session: Session) -> None:
    publish(session, Line(), at=shanghai(0))
    runs.claim(session, job="nightly", slot="2026-03-10", business_on=TODAY, at=shanghai(3))

    (standing,) = timetable.list_standings(session, zone=SHANGHAI, at=shanghai(5))
    assert (standing.is_running, standing.is_missed) == (True, False)
    session.execute(text("UPDATE job_runs SET heartbeat_at = now() - interval '10 minutes'"))
    (standing,) = timetable.list_standings(session, zone=SHANGHAI, at=shanghai(5))
    assert (standing.is_running, standing.is_missed) == (False, True)


def test_a_frequent_job_is_missed_after_some_rounds(session: Session) -> None:
    publish(session, OFTEN, at=shanghai(9))
    finish(session, "often", "2026-03-10T10-00", shanghai(10))

    assert (missed(session, shanghai(10, 15)), missed(session, shanghai(10, 16))) == (0, 1)


def test_a_job_that_left_the_schedule_is_forgotten(session: Session) -> None:
    publish(session, Line(), OFTEN, at=shanghai(0))
    publish(session, OFTEN, at=shanghai(1))

    jobs = [standing.job.job for standing in timetable.list_standings(session, zone=SHANGHAI, at=shanghai(1))]
    assert jobs == ["often"]


def test_todays_run_is_started_again_and_counts_its_tries_anew(session: Session) -> None:
    publish(session, Line(), at=shanghai(0))
    finish(session, "nightly", "2026-03-10", shanghai(3))

    slot = timetable.start_again(session, job="nightly", zone=SHANGHAI, at=shanghai(9))

    assert slot == "2026-03-10"
    assert runs.is_open(session, job="nightly", slot=slot, attempts_max=1)
    assert runs.claim(session, job="nightly", slot=slot, business_on=TODAY, at=shanghai(9))


def test_a_run_that_is_started_again_is_queued_and_not_missed_unless_nobody_takes_it_in_an_hour(
    session: Session,
) -> None:
    publish(session, Line(), at=shanghai(0))
    finish(session, "nightly", "2026-03-10", shanghai(3))
    timetable.start_again(session, job="nightly", zone=SHANGHAI, at=shanghai(9))

    (standing,) = timetable.list_standings(session, zone=SHANGHAI, at=shanghai(9))
    assert (standing.is_queued, standing.is_missed) == (True, False)
    session.execute(text("UPDATE job_runs SET heartbeat_at = now() - interval '61 minutes'"))
    (standing,) = timetable.list_standings(session, zone=SHANGHAI, at=shanghai(9))
    assert (standing.is_queued, standing.is_missed) == (False, True)
    runs.claim(session, job="nightly", slot="2026-03-10", business_on=TODAY, at=shanghai(9))
    (standing,) = timetable.list_standings(session, zone=SHANGHAI, at=shanghai(9))
    assert (standing.is_queued, standing.is_running, standing.is_missed) == (False, True, False)


def test_what_runs_or_has_not_run_yet_or_does_not_exist_is_not_started_again(session: Session) -> None:
    publish(session, Line(), at=shanghai(0))
    finish(session, "nightly", "2026-03-09", shanghai(3, days=-1))

    with pytest.raises(JobNotYetRun):
        timetable.start_again(session, job="nightly", zone=SHANGHAI, at=shanghai(2))
    with pytest.raises(JobNotYetRun):
        timetable.start_again(session, job="nightly", zone=SHANGHAI, at=shanghai(9))
    runs.claim(session, job="nightly", slot="2026-03-10", business_on=TODAY, at=shanghai(9))
    with pytest.raises(JobStillRunning):
        timetable.start_again(session, job="nightly", zone=SHANGHAI, at=shanghai(9))
    with pytest.raises(JobNotFound):
        timetable.start_again(session, job="unknown", zone=SHANGHAI, at=shanghai(9))
