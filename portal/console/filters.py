"""How values look on console pages."""

from datetime import datetime

from flask.sansio.app import App

from loyalty.kernel.clock import last_day_before
from loyalty.kernel.runs import JobRun
from loyalty.kernel.wording import yuan
from portal.context import container

_SECONDS_SHOWN_MAX = 120


def local_time(value: datetime | None) -> str:
    """Return an instant in the programme's time zone, to the minute."""
    if value is None:
        return "—"
    return value.astimezone(container().zone).strftime("%Y-%m-%d %H:%M")


def local_time_exact(value: datetime | None) -> str:
    """Return an instant in the programme's time zone, to the second."""
    if value is None:
        return "—"
    return value.astimezone(container().zone).strftime("%Y-%m-%d %H:%M:%S")


def last_day(expires_at: datetime) -> str:
    """Return the last business date before an instant of expiry: midnight ends the day before it."""
    return last_day_before(expires_at, container().zone).isoformat()


def grouped(value: int | None) -> str:
    """Return a figure with separators between thousands."""
    return "—" if value is None else f"{value:,}"


def signed(value: int) -> str:
    """Return a change with its sign."""
    return f"{value:+,}"


def run_time(run: JobRun) -> str:
    """Return how long a run took, or a dash while it has not ended."""
    if run.finished_at is None:
        return "—"
    seconds = max(0.0, (run.finished_at - run.started_at).total_seconds())
    return f"{seconds:.1f} 秒" if seconds < _SECONDS_SHOWN_MAX else f"{seconds / 60:.0f} 分钟"


def install(app: App) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        local_time=local_time,
        local_time_exact=local_time_exact,
        last_day=last_day,
        yuan=yuan,
        grouped=grouped,
        signed=signed,
        run_time=run_time,
    )
