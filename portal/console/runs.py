"""The job board: what ran, when, and with which result; read only."""

from flask import render_template

from loyalty.kernel import runs
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console.access import requires
from portal.console.blueprint import blueprint
from portal.console.job_names import FIGURE_NAMES, JOB_NAMES
from portal.context import container


@blueprint.get("/jobs")
@requires(Permission.JOBS_READ)
def job_board() -> str:
    """Show the latest runs."""
    return render_template(
        "console/job_board.html",
        runs=run(container().database, runs.latest),
        job_names=JOB_NAMES,
        figure_names=FIGURE_NAMES,
    )
