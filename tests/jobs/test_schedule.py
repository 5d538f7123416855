"""The schedule is data: every line is real, and every slot is due when it should be."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from jobs import periodic, queues, schedule
from jobs.schedule import PeriodicJob
from loyalty.kernel.timetable import Slot, due_slot

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 3, 10)
DAILY = PeriodicJob("daily", "x:y", queues.NIGHTLY, 60, daily_at=time(3))
OFTEN = PeriodicJob("often", "x:y", queues.DEFAULT, 60, every_minutes=5)


def shanghai(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 10, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize("job", schedule.JOBS, ids=lambda job: job.name)
def test_every_line_names_a_function_a_queue_and_one_rhythm(job: PeriodicJob) -> None:
    assert callable(periodic.function_of(job))
    assert job.queue in queues.QUEUES
    assert (job.daily_at is None) is not (job.every_minutes is None)
    assert job.timeout_seconds > 0


def test_names_are_unique() -> None:
    assert len({job.name for job in schedule.JOBS}) == len(schedule.JOBS)


@pytest.mark.parametrize(
    ("at", "slot"),
    [
        (shanghai(2, 59), None),
        (shanghai(3, 0), Slot("2026-03-10", TODAY)),
        (shanghai(23, 59), Slot("2026-03-10", TODAY)),
    ],
)
def test_a_daily_slot_is_due_from_its_time_until_midnight(at: datetime, slot: Slot | None) -> None:
    assert due_slot(DAILY, zone=SHANGHAI, at=at) == slot


@pytest.mark.parametrize(
    ("at", "key"),
    [
        (shanghai(0, 0), "2026-03-10T00-00"),
        (shanghai(10, 4), "2026-03-10T10-00"),
        (shanghai(10, 5), "2026-03-10T10-05"),
        (shanghai(23, 59), "2026-03-10T23-55"),
    ],
)
def test_a_frequent_slot_is_the_latest_that_has_begun(at: datetime, key: str) -> None:
    assert due_slot(OFTEN, zone=SHANGHAI, at=at) == Slot(key, TODAY)


def test_the_business_date_is_that_of_the_programme_not_of_utc() -> None:
    at = datetime(2026, 3, 9, 20, 0, tzinfo=ZoneInfo("UTC"))

    assert due_slot(DAILY, zone=SHANGHAI, at=at) == Slot("2026-03-10", TODAY)
