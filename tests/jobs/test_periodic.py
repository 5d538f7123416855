"""Periodic jobs: once a slot, failures visible, alarms loud and not repeated."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from jobs import periodic
from loyalty.container import Container
from loyalty.kernel.database import Json
from loyalty.kernel.runs import JobRun
from loyalty.notices import queries
from loyalty.points import service as points
from tests.factories.members import make_identity, make_member
from tests.factories.notices import make_templates, request_notice
from tests.support.containers import StandingClock


def the_run(session: Session, job: str) -> JobRun:
    return session.scalars(select(JobRun).where(JobRun.job == job).execution_options(populate_existing=True)).one()


def earn(session: Session, member_id: int, at: datetime) -> None:
    points.open_account(session, member_id=member_id, at=at)
    points.earn(
        session, member_id=member_id, points=10, reference="order:1", explanation={"rule": "purchase"},
        occurred_at=at, at=at,
    )  # fmt: skip


def test_a_job_runs_once_for_a_slot(jobs_container: Container, session: Session) -> None:
    periodic.perform("release_held_notices", "2026-03-10", "2026-03-10")
    periodic.perform("release_held_notices", "2026-03-10", "2026-03-10")

    done = the_run(session, "release_held_notices")
    assert (done.attempts, done.result, done.error) == (1, {"notices": 0}, None)
    assert done.finished_at is not None


def test_held_notices_are_released_in_the_morning(
    jobs_container: Container, session: Session, clock: StandingClock
) -> None:
    night = clock.at.replace(hour=15)
    make_templates(session, at=night)
    member = make_member(session)
    make_identity(session, member=member, is_following=True)
    notice_id = request_notice(session, member_id=member.id, at=night)
    session.execute(text("UPDATE notices SET due_at = :at"), {"at": night + timedelta(hours=9)})
    clock.at = night + timedelta(hours=9)

    periodic.perform("release_held_notices", "2026-03-11", "2026-03-11")

    assert the_run(session, "release_held_notices").result == {"notices": 1}
    assert queries.list_notices(session, member_id=member.id).items[0].due_at is None
    assert notice_id


def test_the_ledger_is_sealed_and_proved(
    jobs_container: Container, session: Session, at: datetime, zone: ZoneInfo
) -> None:
    earn(session, make_member(session).id, at - timedelta(days=1))

    periodic.perform("seal_ledger", "2026-03-10", "2026-03-10")
    periodic.perform("verify_ledger", "2026-03-10", "2026-03-10")

    assert the_run(session, "seal_ledger").result == {"seals_made": 1, "money_seals_made": 1}
    proved = the_run(session, "verify_ledger")
    assert proved.error is None
    assert (proved.result or {})["entries"] == 1


def test_broken_books_raise_an_alarm_that_stays_and_is_not_repeated(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    member = make_member(session)
    earn(session, member.id, at)
    session.execute(text("UPDATE points_accounts SET balance = balance + 1 WHERE member_id = :id"), {"id": member.id})

    periodic.perform("verify_ledger", "2026-03-10", "2026-03-10")
    periodic.perform("verify_ledger", "2026-03-10", "2026-03-10")

    alarmed = the_run(session, "verify_ledger")
    assert alarmed.attempts == 1
    assert alarmed.error is not None
    assert str(member.id) in alarmed.error
    assert (alarmed.result or {})["discrepancies"] >= 1


def broken(run: periodic.PeriodicRun) -> Json:
    raise RuntimeError("phone +8613800000001")


def test_a_failure_is_noted_without_its_text_and_the_next_start_takes_over(
    jobs_container: Container, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = periodic.schedule.PeriodicJob("broken", f"{__name__}:broken", "default", 60, every_minutes=1)
    monkeypatch.setattr(periodic.schedule, "JOBS", (line,))

    for _ in range(2):
        with pytest.raises(RuntimeError):
            periodic.perform("broken", "2026-03-10T10-00", "2026-03-10")

    failed = the_run(session, "broken")
    assert (failed.attempts, failed.error, failed.finished_at) == (2, "RuntimeError", None)


@pytest.mark.parametrize("name", ["resolve_stale_sending", "settle_expired_reviews", "purge_leftovers"])
def test_upkeep_with_nothing_to_do_finishes(jobs_container: Container, session: Session, name: str) -> None:
    periodic.perform(name, "2026-03-10", "2026-03-10")

    assert the_run(session, name).finished_at is not None
