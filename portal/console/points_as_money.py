"""Points as money (积分抵现): how much points pay, and what a refund does about points already spent."""

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.checkout import queries, service
from loyalty.checkout.rules import CheckoutPolicy, sentence
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.points.rules import Shortfall
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

SHORTFALL_NAMES = {
    Shortfall.OFFSET_NEXT_EARN: "记为待抵扣，从以后获得的积分中抵扣",
    Shortfall.NEGATIVE: "记为欠分，会员看到负数",
    Shortfall.CLAMP: "只扣现有积分，差额不再追回",
}
FIELDS = ("points_per_yuan", "share_max_percent", "points_max", "points_step", "hold_minutes")


@blueprint.get("/points-as-money")
@requires(Permission.EARNING_READ)
def points_as_money() -> str:
    """Show the policy that holds, and the form for another."""
    policy = run(container().database, queries.current_policy)
    values = {name: str(getattr(policy, name)) for name in FIELDS}
    return _page(policy, values, is_accepting=policy.is_accepting_points, shortfall=policy.shortfall)


@blueprint.post("/points-as-money")
@requires(Permission.EARNING_WRITE)
def save_points_as_money() -> Response | tuple[str, int]:
    """Let another policy hold from now on."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        service.save_policy(session, policy=_typed(), actor=actor(), at=at)

    try:
        run(container().database, work)
    except InvalidInput as error:
        flash(forms.reason_of(error), "danger")
        return _typed_page(), status_of(error)
    flash("已保存，此后的抵现和退款按新设置处理", "success")
    return redirect(url_for("console.points_as_money"), 303)


def _typed() -> CheckoutPolicy:
    return CheckoutPolicy(
        is_accepting_points=forms.text("is_accepting_points") == "1",
        shortfall=forms.parsed_choice("shortfall", forms.text("shortfall"), Shortfall),
        **{name: forms.integer(name) for name in FIELDS},
    )


def _typed_page() -> str:
    policy = run(container().database, queries.current_policy)
    values = {name: forms.text(name) for name in FIELDS}
    is_accepting = forms.text("is_accepting_points") == "1"
    return _page(policy, values, is_accepting=is_accepting, shortfall=forms.text("shortfall"))


def _page(policy: CheckoutPolicy, values: dict[str, str], *, is_accepting: bool, shortfall: str) -> str:
    return render_template(
        "console/points_as_money.html",
        told=sentence(policy),
        is_on=policy.is_accepting_points,
        values=values,
        is_accepting=is_accepting,
        shortfall=shortfall,
        shortfall_names=SHORTFALL_NAMES,
    )
