"""The funnel of invitations (邀请漏斗): from opening to payment, by channel and by day, and why nothing was paid."""

from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.kernel.transaction import run
from loyalty.referrals.queries.funnel import FunnelStep, funnel, refusals, uncounted
from loyalty.referrals.rules.openings import WORDS as NOT_COUNTED
from loyalty.reports.referrals import qualified_by_channel, referral_days
from loyalty.risk.queries.rules import current_rules
from loyalty.staff.rules import Permission
from portal.console import exports
from portal.console.access import for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.day_ranges import DayRange, chosen_days
from portal.console.paging import export_address
from portal.console.referral_names import CHANNEL_NAMES, reason_names
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

STEPS = {
    "sharers": "分享会员",
    "openings": "打开人数",
    "counted": "有效新客",
    "enrolled": "入会",
    "qualified": "达成",
    "rewarded": "已奖励",
    "held": "待审核",
    "refused": "不予奖励",
    "points": "积分",
    "coupons": "券",
}
DAY_STEPS = {"opened": "打开人数", "counted": "有效新客", "enrolled": "入会", "qualified": "达成", "rewarded": "已奖励"}


@blueprint.get("/referral-report")
@requires(Permission.REFERRALS_READ)
def referral_report() -> str:
    """Show the funnel; each figure of friends leads to their list."""
    for_the_chain()
    days = chosen_days()

    def read(session: "Session") -> dict[str, Any]:
        return {
            "rows": _rows(session, days),
            "refused": refusals(session, since=days.since, until=days.until),
            "uncounted": uncounted(session, since=days.since, until=days.until),
            "reasons": reason_names(current_rules(session).rules),
            "by_day": referral_days(session, first=days.first, last=days.last, zone=container().zone),
        }

    known = run(container().database, read)
    return render_template(
        "console/referral_report.html",
        days=days,
        steps=STEPS,
        day_steps=DAY_STEPS,
        channel_names=CHANNEL_NAMES,
        not_counted=NOT_COUNTED,
        chart=export_address("console.referral_report_days"),
        total=lambda name: sum(row[name] for row in known["rows"].values()),
        **known,
    )


@blueprint.get("/referral-report/days.json")
@requires(Permission.REFERRALS_READ)
def referral_report_days() -> dict[str, object]:
    """Return the days for the chart."""
    for_the_chain()
    days = chosen_days()
    by_day = run(
        container().database,
        lambda session: referral_days(session, first=days.first, last=days.last, zone=container().zone),
    )
    series = [
        {"name": title, "figures": [getattr(day, name) for day in by_day.values()]} for name, title in DAY_STEPS.items()
    ]
    return {"days": [day.isoformat() for day in by_day], "axes": ["人", ""], "series": series}


@blueprint.get("/referral-report.csv")
@requires(Permission.REFERRALS_READ)
def export_referral_report() -> Response:
    """Download the funnel by channel, then openings that did not count and what was refused, by reason."""
    for_the_chain()
    days = chosen_days()

    def read(session: "Session") -> list[exports.Row]:
        names = reason_names(current_rules(session).rules)
        funnel_rows = [(CHANNEL_NAMES[one], *row.values()) for one, row in _rows(session, days).items()]
        refused = refusals(session, since=days.since, until=days.until)
        missed = uncounted(session, since=days.since, until=days.until)
        return [
            *funnel_rows,
            *((f"打开未计入：{NOT_COUNTED[reason]}", count) for reason, count in missed.items()),
            *((f"不予奖励：{names.get(reason, reason)}", count) for reason, count in refused.items()),
        ]

    return exports.csv_response("referral-report", ("渠道", *STEPS.values()), run(container().database, read))


def _rows(session: "Session", days: DayRange) -> dict[Any, dict[str, int]]:
    steps = funnel(session, since=days.since, until=days.until)
    qualified = qualified_by_channel(session, first=days.first, last=days.last, zone=container().zone)
    return {step.channel: _figures(step, qualified.get(step.channel, 0)) for step in steps}


def _figures(step: FunnelStep, qualified: int) -> dict[str, int]:
    return {name: qualified if name == "qualified" else getattr(step, name) for name in STEPS}
