"""The job board (定时任务): every scheduled job, how it stands, what ran last, and another start of today's run."""

from enum import StrEnum
from typing import TYPE_CHECKING

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import audit, runs, timetable
from loyalty.kernel.timetable import JobNotFound
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import exports, forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.console.job_names import FIGURE_NAMES, JOB_NAMES, slot_text
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

RUNS_SHOWN = 50
EXPORT_ROWS_MAX = 10_000


class Outcome(StrEnum):
    """How a run ended, as far as it has."""

    GOOD = "good"
    BAD = "bad"


OUTCOME_NAMES = {Outcome.GOOD: "正常", Outcome.BAD: "失败或告警"}


@blueprint.get("/jobs")
@requires(Permission.JOBS_READ)
def job_board() -> str:
    """Show the schedule, and the latest of the runs that the filter leaves."""
    at, zone = container().clock.now(), container().zone

    def read(session: "Session") -> tuple[list[timetable.JobStanding], list[runs.JobRun]]:
        return timetable.list_standings(session, zone=zone, at=at), _found(session, limit=RUNS_SHOWN)

    standings, latest = run(container().database, read)
    return render_template(
        "console/job_board.html",
        standings=standings,
        runs=latest,
        job_names=JOB_NAMES,
        figure_names=FIGURE_NAMES,
        slot_text=slot_text,
        outcome_names=OUTCOME_NAMES,
        filters={name: forms.text(name) for name in ("job", "outcome", "first_on", "last_on")},
        shown_max=RUNS_SHOWN,
    )


@blueprint.get("/jobs.csv")
@requires(Permission.JOBS_READ)
def export_runs() -> Response:
    """Download the runs that the filter leaves, newest first."""
    found = run(container().database, lambda session: _found(session, limit=EXPORT_ROWS_MAX))
    rows = (
        (
            JOB_NAMES.get(one.job, one.job),
            slot_text(one.slot),
            one.started_at,
            one.finished_at,
            one.attempts,
            "，".join(f"{FIGURE_NAMES.get(name, name)} {value}" for name, value in (one.result or {}).items()),
            one.error,
        )
        for one in found
    )
    return exports.csv_response("job-runs", ("任务", "计划时间", "开始", "结束", "次数", "结果", "错误"), rows)


@blueprint.post("/jobs/<job>/start")
@requires(Permission.JOBS_WRITE)
def start_job_again(job: str) -> Response:
    """Let the scheduler start today's run of a job once more."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        if job not in JOB_NAMES:
            raise JobNotFound(job=job)
        slot = timetable.start_again(session, job=job, zone=container().zone, at=at)
        audit.write(
            session, actor=actor(), action="jobs.start_again", subject=f"job:{job}", after={"slot": slot}, at=at
        )

    name = JOB_NAMES.get(job, job)
    return forms.act(work, done=f"已安排：{name}将在一分钟内再次运行", back=url_for("console.job_board"))


def _found(session: "Session", *, limit: int) -> list[runs.JobRun]:
    outcome = forms.optional_choice("outcome", Outcome)
    return runs.latest(
        session,
        job=forms.text("job"),
        has_error=None if outcome is None else outcome is Outcome.BAD,
        first_on=forms.optional_day("first_on"),
        last_on=forms.optional_day("last_on"),
        limit=limit,
    )
