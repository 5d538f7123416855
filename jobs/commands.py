"""Commands: ``flask jobs worker``, ``flask jobs scheduler``, ``flask jobs list``."""

import click
from flask import current_app
from flask.cli import AppGroup

from jobs import context, queues, schedule
from jobs.scheduler import keep_time
from jobs.worker import work
from loyalty.container import Container
from loyalty.kernel import outbox, runs
from loyalty.kernel.transaction import run
from loyalty.notices import queries as notices

group = AppGroup("jobs", help="Workers, the scheduler, and what they have done.")


@group.command("worker")
@click.option("--burst", is_flag=True, help="Stop when the queues are empty.")
@click.option(
    "--queue", "names", multiple=True, type=click.Choice(queues.QUEUES), help="Only this queue; may be given again."
)
def worker(burst: bool, names: tuple[str, ...]) -> None:
    """Work on the queues until told to stop."""
    container = _container()
    work(container.settings.redis_url, names=names or queues.QUEUES, is_burst=burst)


@group.command("scheduler")
def scheduler() -> None:
    """Relay events and enqueue what the schedule says, until told to stop."""
    keep_time(_container())


@group.command("list")
def list_jobs() -> None:
    """Show the schedule, the latest runs and what waits."""
    container = _container()
    latest = run(container.database, runs.latest)
    for job in schedule.JOBS:
        when = f"daily {job.daily_at:%H:%M}" if job.daily_at else f"every {job.every_minutes} min"
        click.echo(
            f"{job.name:24} {when:14} {job.queue:8} {_told(next((r for r in latest if r.job == job.name), None))}"
        )
    waiting, dead = run(container.database, outbox.count_waiting)
    counts = run(container.database, notices.count_notices)
    click.echo(f"events: {waiting} waiting, {dead} given up")
    click.echo(
        f"notices: {counts.queued} queued, {counts.held} held,"
        f" {counts.sending} sending, {counts.unknown} of unknown outcome"
    )


def _told(latest: runs.JobRun | None) -> str:
    if latest is None:
        return "never"
    state = "failed" if latest.error else "done" if latest.finished_at else "running"
    return f"{latest.slot} {state} {latest.error or latest.result or ''}"


def _container() -> Container:
    container: Container = current_app.extensions["container"]
    context.use(container)
    return container
