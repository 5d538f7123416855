"""The commission plan (佣金方案): what is in force, the draft and its editor, and publishing with the warning read."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.commissions.queries import plans as queries
from loyalty.commissions.queries.plans import PlanView
from loyalty.commissions.rules.plan import (
    WARNING,
    WARNING_VERSION,
    InvalidCommissionPlan,
    Plan,
    Rate,
)
from loyalty.commissions.rules.sentences import sentence
from loyalty.commissions.service import plans as service
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import form_fields, forms, steps
from portal.console.access import actor, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.commission_plan_form import CAPS, LABELS, LEVEL_NAMES, ROWS, form_of, plan_of
from portal.console.form_fields import Form
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

_START = Plan("好友消费佣金", (Rate(basis_points=500),))


@blueprint.get("/commission-plan")
@requires(Permission.COMMISSIONS_READ)
def commission_plan() -> str:
    """Show what is in force, what is drafted, and every revision before."""

    def read(session: "Session") -> tuple[Sequence[PlanView], PlanView | None, dict[str, str]]:
        known, draft = queries.list_plans(session), queries.find_draft(session)
        every = [*known, *([draft] if draft else [])]
        mentioned = {name for one in every for name in (one.created_by, one.published_by)}
        return known, draft, names_of(session, mentioned)

    known, draft, people = run(container().database, read)
    return render_template(
        "console/commission_plan.html",
        known=known,
        live=next(iter(known), None),
        draft=draft,
        people=people,
        says=sentence,
        warning=WARNING,
        warning_version=WARNING_VERSION,
    )


@blueprint.get("/commission-plan/edit")
@requires(Permission.COMMISSIONS_WRITE)
def edit_commission_plan() -> str:
    """Show the form, filled in with the draft or with what is in force."""
    for_the_chain()

    def read(session: "Session") -> Plan:
        found = queries.find_draft(session) or queries.current_plan(session)
        return found.plan if found else _START

    return _editor(form_of(run(container().database, read)))


@blueprint.post("/commission-plan/draft")
@requires(Permission.COMMISSIONS_WRITE)
def save_commission_plan_draft() -> Response | tuple[str, int]:
    """Keep what was filled in as the draft."""
    for_the_chain()
    form, at = form_fields.given(), container().clock.now()
    try:
        plan = plan_of(form)
        run(container().database, lambda session: service.save_draft(session, plan=plan, actor=actor(), at=at))
    except InvalidCommissionPlan as error:
        return _editor(form, problems=[problem.reason for problem in error.problems]), status_of(error)
    except ValueForFollowingOrSharing as error:
        return _editor(form, problems=[error.message]), status_of(error)
    flash("草稿已保存，发布后才会生效", "success")
    return redirect(url_for("console.commission_plan"), 303)


@blueprint.post("/commission-plan/discard")
@requires(Permission.COMMISSIONS_WRITE)
def discard_commission_plan() -> Response:
    """Throw the draft away."""
    for_the_chain()
    return steps.take(service.discard_draft, done="草稿已删除", back=url_for("console.commission_plan"))


@blueprint.post("/commission-plan/publish")
@requires(Permission.COMMISSIONS_WRITE)
def publish_commission_plan() -> Response:
    """Let the draft be in force; a second level only by who agrees to the warning that was shown."""
    for_the_chain()
    publish = partial(service.publish, acknowledged_text=forms.text("acknowledged_text") or None)
    back = url_for("console.commission_plan")
    return steps.take(publish, done="已发布，此后付款的订单按新方案计佣", back=back)


def _editor(form: Form, *, problems: Sequence[str] = ()) -> str:
    return render_template(
        "console/commission_plan_form.html",
        value=lambda name: next(iter(form.get(name, ())), ""),
        labels=LABELS,
        level_names=LEVEL_NAMES,
        caps=CAPS,
        rows=ROWS,
        problems=problems,
    )
