"""The start page: today's figures, thirty days of them, and what is owed."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import timetable
from loyalty.kernel.clock import business_date
from loyalty.kernel.transaction import run
from loyalty.reports import queries
from loyalty.reports.rollups.figures import Standing
from loyalty.reports.rollups.standing import standing_of
from loyalty.reports.rules import LABELS, DayFigures
from loyalty.staff.rules import ROLE_NAMES, Permission
from portal.console.access import current_scope, current_staff, may, requires
from portal.console.approvals import count_own
from portal.console.blueprint import blueprint
from portal.console.filters import local_time
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

CHART_DAYS = 30


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the start page."""

    label: str
    value: int
    before: int | None = None
    note: str = ""


@blueprint.get("/")
@requires(Permission.SELF)
def home() -> Response | str:
    """Lead to the start page, or greet those whose work is not in the console."""
    if may(Permission.DASHBOARD_READ):
        return redirect(url_for("console.dashboard"), 303)
    names = [ROLE_NAMES[role] for role in sorted(current_staff().roles)]
    return render_template("console/welcome.html", role_names=names)


@blueprint.get("/dashboard")
@requires(Permission.DASHBOARD_READ)
def dashboard() -> str:
    """Show the figures of the stores that the caller sees."""
    scope = current_scope()

    def read(session: "Session") -> tuple[list[DayFigures], Standing, int, int]:
        return _days(session), standing_of(session, scope=scope), _missed_jobs(session), _waiting(session)

    days, standing, missed_jobs, waiting = run(container().database, read)
    today, yesterday = asdict(days[-1]), asdict(days[-2])
    figures = [Figure(LABELS[name], today[name], yesterday[name]) for name in LABELS]
    counted = f"截至 {local_time(standing.counted_at)}" if standing.counted_at else "尚未统计"
    figures.append(Figure("未兑付积分", standing.points_balance, note=f"会员持有的全部积分，{counted}"))
    return render_template(
        "console/dashboard.html",
        figures=figures,
        today=days[-1],
        days=[asdict(day) for day in days],
        labels=LABELS,
        missed_jobs=missed_jobs,
        waiting=waiting,
        scope_name="全部门店" if scope.is_chain_wide else f"{len(scope.store_ids)} 个节点",
    )


@blueprint.get("/dashboard/days.json")
@requires(Permission.DASHBOARD_READ)
def daily_figures() -> dict[str, object]:
    """Return the thirty days for the chart."""
    days = run(container().database, _days)
    series = [{"name": label, "figures": [asdict(day)[name] for day in days]} for name, label in LABELS.items()]
    return {"days": [day.day.isoformat() for day in days], "axes": ["人次", "积分"], "series": series}


def _missed_jobs(session: "Session") -> int:
    """Count the scheduled jobs that did not run in time, for those who can see why."""
    if not may(Permission.JOBS_READ):
        return 0
    return timetable.count_missed(session, zone=container().zone, at=container().clock.now())


def _waiting(session: "Session") -> int:
    """Count what waits for a decision of the caller."""
    return count_own(session) if may(Permission.APPROVALS_DECIDE) else 0


def _days(session: "Session") -> list[DayFigures]:
    today = business_date(container().clock.now(), container().zone)
    return queries.daily_figures(
        session,
        scope=current_scope(),
        first=today - timedelta(days=CHART_DAYS - 1),
        last=today,
        zone=container().zone,
    )
