"""The job board (定时任务): every scheduled job, how it stands, what ran last, and another start of today's run."""

from typing import TYPE_CHECKING

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import audit, runs, timetable
from loyalty.kernel.timetable import JobNotFound
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.console.job_names import FIGURE_NAMES, JOB_NAMES
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

RUNS_SHOWN = 50


@blueprint.get("/jobs")
@requires(Permission.JOBS_READ)
def job_board() -> str:
    """Show the schedule and the latest runs."""
    at, zone = container().clock.now(), container().zone

    def read(session: "Session") -> tuple[list[timetable.JobStanding], list[runs.JobRun]]:
        standings = timetable.list_standings(session, zone=zone, at=at)
        return standings, runs.latest(session, limit=RUNS_SHOWN)

    standings, latest = run(container().database, read)
    return render_template(
        "console/job_board.html",
        standings=standings,
        runs=latest,
        job_names=JOB_NAMES,
        figure_names=FIGURE_NAMES,
    )


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
