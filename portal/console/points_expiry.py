"""How long points live for which no rule says otherwise (默认有效期), as a sentence and as a form."""

from datetime import datetime
from typing import TYPE_CHECKING

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.transaction import run
from loyalty.points import service
from loyalty.points.rules.expiry import (
    GRACE_DAYS,
    GRACES_MAX,
    NOTICE_DAYS,
    ExpiryPolicy,
    PolicyKind,
    expires_at,
    policy_of,
    sentence,
)
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

EXPIRY_NAMES = {
    PolicyKind.ROLLING_DAYS: "若干天后到期",
    PolicyKind.ROLLING_MONTHS: "若干个月后到期",
    PolicyKind.END_OF_MONTH: "若干个月后的月底到期",
    PolicyKind.END_OF_YEAR: "若干年后的年底到期",
    PolicyKind.FIXED_DATE: "指定日期到期",
    PolicyKind.SINCE_LAST_ACTIVITY: "若干天没有变动后到期",
    PolicyKind.NEVER: "长期有效",
}


@blueprint.get("/points-expiry")
@requires(Permission.EARNING_READ)
def points_expiry() -> str:
    """Show the policy in force and the form for another."""
    at = container().clock.now()
    policy = run(container().database, service.programme_policy)
    return render_template(
        "console/points_expiry.html",
        policy=policy,
        told=sentence(policy),
        example=_earned_now_lives_until(policy, at),
        kind_names=EXPIRY_NAMES,
        grace_days=GRACE_DAYS,
        graces_max=GRACES_MAX,
        notice_days=NOTICE_DAYS,
    )


@blueprint.post("/points-expiry")
@requires(Permission.EARNING_WRITE)
def save_points_expiry() -> Response:
    """Set how long points live from now on."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        service.save_programme_policy(session, policy=_typed(), actor=actor(), at=at)

    return forms.act(work, done="已保存默认有效期，此后获得的积分按新设置到期", back=url_for("console.points_expiry"))


def _typed() -> ExpiryPolicy:
    on = forms.optional_day("on")
    return policy_of(
        {"kind": forms.text("kind"), "n": forms.optional_integer("n"), "on": on.isoformat() if on else None}
    )


def _earned_now_lives_until(policy: ExpiryPolicy, at: datetime) -> datetime | None:
    return expires_at(policy, at, container().zone)
