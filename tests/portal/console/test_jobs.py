"""The job board: what is scheduled, what was missed, and another start of today's run."""

import ast
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from jobs import schedule
from loyalty.kernel import audit, runs, timetable
from loyalty.staff.rules import Role
from portal.console.job_names import FIGURE_NAMES, JOB_NAMES
from tests.portal.console.conftest import Browser, LogIn

TODAY = date(2026, 3, 10)
FILES_OF_JOBS = list(Path(schedule.__file__).parent.glob("*.py"))


def publish(session: Session, at: datetime) -> None:
    timetable.publish(session, lines=schedule.JOBS, at=at)


def run_today(session: Session, job: str, at: datetime) -> None:
    runs.claim(session, job=job, slot=TODAY.isoformat(), business_on=TODAY, at=at)
    runs.finish(session, job=job, slot=TODAY.isoformat(), result={"entries": 3}, at=at)


def test_every_scheduled_job_has_a_name() -> None:
    assert [job.name for job in schedule.JOBS if job.name not in JOB_NAMES] == []


def test_every_figure_of_a_result_has_a_name() -> None:
    """Read off the jobs themselves: what a job counts only sometimes is seen on no page before."""
    keys = {key for file in FILES_OF_JOBS for key in _keys_of_results(ast.parse(file.read_text()))}

    assert keys
    assert keys - FIGURE_NAMES.keys() == set()


def _keys_of_results(module: ast.Module) -> set[str]:
    """List the keys of the dictionaries in functions of scheduled jobs, which are their results."""
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef) and _takes_a_periodic_run(node)]
    dictionaries = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.Dict)]
    return {key.value for one in dictionaries for key in one.keys if isinstance(key, ast.Constant)}


def _takes_a_periodic_run(function: ast.FunctionDef) -> bool:
    return any(
        ast.unparse(argument.annotation or ast.Constant(None)) == "PeriodicRun" for argument in function.args.args
    )


class TestJobBoard:
    def test_says_that_nothing_is_scheduled_before_a_scheduler_ran(self, admin: Browser) -> None:
        assert "调度进程还没有启动过" in admin.text("/console/jobs")

    def test_shows_every_job_with_its_result_and_its_next_run(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        publish(session, at)
        run_today(session, "expire_lots", at)
        session.commit()

        page = admin.text("/console/jobs")

        assert [name for name in JOB_NAMES.values() if name not in page] == []
        assert "流水 3" in page
        assert "2026-03-11 01:00" in page

    def test_and_the_start_page_tell_of_a_missed_run(self, admin: Browser, session: Session, at: datetime) -> None:
        publish(session, at.replace(year=2025))
        for job in schedule.JOBS:
            if job.name != "expire_lots":
                run_today(session, job.name, at)
        session.commit()

        assert ">错过<" in admin.text("/console/jobs")
        assert "定时任务没有按时运行" in admin.text("/console/dashboard")
        assert "portal_jobs_missed 1.0" in admin.text("/metrics")


class TestStartAgain:
    def test_lets_the_scheduler_run_todays_slot_once_more_and_is_audited(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        publish(session, at)
        run_today(session, "expire_lots", at)
        session.commit()

        page = admin.submit("/console/jobs/expire_lots/start")

        assert "已安排：到期积分清零将在一分钟内再次运行" in page
        assert ">已排队<" in page
        assert ">错过<" not in page
        assert ">start_again<" not in page
        assert runs.is_open(session, job="expire_lots", slot=TODAY.isoformat(), attempts_max=1)
        (entry,) = audit.list_entries(session, action="jobs.start_again")
        assert (entry.subject, entry.after) == ("job:expire_lots", {"slot": "2026-03-10"})

    def test_is_refused_in_words_for_what_has_not_run_or_does_not_exist(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        publish(session, at)
        session.commit()

        assert "该任务今天还没有运行过" in admin.submit("/console/jobs/expire_lots/start")
        assert "没有这个定时任务" in admin.submit("/console/jobs/unknown/start")

    def test_is_not_for_those_who_may_only_look(self, log_in: LogIn, session: Session, at: datetime) -> None:
        publish(session, at)
        run_today(session, "expire_lots", at)
        browser = log_in(Role.MARKETER)

        assert "再次运行" not in browser.text("/console/jobs")
        assert browser.post("/console/jobs/expire_lots/start").status_code == 403
