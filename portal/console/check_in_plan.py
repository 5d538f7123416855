"""The check-in plan (签到方案): what each day of the cycle pays, previewed by the very function that pays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.check_ins import queries, service
from loyalty.check_ins.queries import PlanRevision
from loyalty.check_ins.rules import CYCLE_DAYS_MAX, DEFAULT_PLAN, Award, InvalidPlan, Plan, check_plan, cycle
from loyalty.kernel.clock import business_date
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.make_up_rules import rules_form
from portal.context import container
from portal.errors import status_of


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the cycle, as somebody filled it in."""

    base: str
    bonus: str


@dataclass(frozen=True, slots=True)
class PlanForm:
    """The whole form, as somebody filled it in."""

    days: Sequence[DayRow]
    growth: str
    valid_days: str
    live_from_on: str


@blueprint.get("/check-in-plan")
@requires(Permission.CHECK_INS_READ)
def check_in_plan() -> str:
    """Show the plan in force, those to come, and the form for another; ``days`` sets the length of its cycle."""
    days = forms.optional_integer("days")
    if days is not None and not 1 <= days <= CYCLE_DAYS_MAX:
        raise forms.InvalidField(field="days")
    known, today = _known(), _today()
    live = _in_force(known, today)
    return _page(known, _form_of(live.plan if live else DEFAULT_PLAN, today, days=days))


@blueprint.post("/check-in-plan/preview")
@requires(Permission.CHECK_INS_READ)
def preview_check_in_plan() -> str | tuple[str, int]:
    """Show what the form would pay, day by day."""
    form = _typed()
    try:
        check_plan(_plan_of(form))
    except InvalidInput as error:
        flash(forms.reason_of(error), "danger")
        return _page(_known(), form), status_of(error)
    return _page(_known(), form)


@blueprint.post("/check-in-plan")
@requires(Permission.CHECK_INS_WRITE)
def save_check_in_plan() -> Response | tuple[str, int]:
    """Save another revision, in force from a business date on."""
    at, zone, form = container().clock.now(), container().zone, _typed()
    try:
        plan, live_from_on = _plan_of(form), forms.day("live_from_on")
        run(
            container().database,
            lambda session: service.save_plan(
                session, plan=plan, live_from_on=live_from_on, actor=actor(), zone=zone, at=at
            ),
        )
    except InvalidInput as error:
        flash(forms.reason_of(error), "danger")
        return _page(_known(), form), status_of(error)
    flash(f"签到方案已保存，{live_from_on.isoformat()} 起生效", "success")
    return redirect(url_for("console.check_in_plan"), 303)


def _page(known: Sequence[PlanRevision], form: PlanForm) -> str:
    today = _today()
    return render_template(
        "console/check_in_plan.html",
        form=form,
        preview=_preview(form),
        known=known,
        live=_in_force(known, today),
        today=today,
        authors=run(container().database, lambda session: names_of(session, (one.created_by for one in known))),
        days_max=CYCLE_DAYS_MAX,
        make_ups=rules_form(),
    )


def _preview(form: PlanForm) -> Sequence[Award]:
    """Return what each day of one cycle pays; nothing while the form cannot be paid."""
    try:
        plan = _plan_of(form)
        check_plan(plan)
    except InvalidInput:
        return ()
    return cycle(plan)


def _form_of(plan: Plan, today: date, *, days: int | None) -> PlanForm:
    """Return the form for a plan; a longer cycle goes on as its last day, a shorter one is cut."""
    rows = [
        DayRow(str(base), str(plan.bonus_by_day.get(day) or "")) for day, base in enumerate(plan.points_by_day, start=1)
    ]
    length = days or len(rows)
    rows = rows[:length] + [DayRow(rows[-1].base, "")] * (length - len(rows))
    valid_days = "" if plan.valid_days is None else str(plan.valid_days)
    return PlanForm(rows, str(plan.growth), valid_days, today.isoformat())


def _typed() -> PlanForm:
    days = [DayRow(*row) for row in zip(forms.texts("base"), forms.texts("bonus"), strict=False)]
    return PlanForm(days[:CYCLE_DAYS_MAX], *(forms.text(name) for name in ("growth", "valid_days", "live_from_on")))


def _plan_of(form: PlanForm) -> Plan:
    bonuses = {day: forms.parsed_integer("bonus", row.bonus) for day, row in enumerate(form.days, 1) if row.bonus}
    if not form.days:
        raise InvalidPlan(field="points_by_day", reason="至少有一天")
    return Plan(
        points_by_day=tuple(forms.parsed_integer("base", row.base or "0") for row in form.days),
        bonus_by_day={day: bonus for day, bonus in bonuses.items() if bonus},
        growth=forms.parsed_integer("growth", form.growth or "0"),
        valid_days=forms.parsed_integer("valid_days", form.valid_days) if form.valid_days else None,
    )


def _today() -> date:
    return business_date(container().clock.now(), container().zone)


def _known() -> Sequence[PlanRevision]:
    return run(container().database, queries.list_plans)


def _in_force(known: Sequence[PlanRevision], today: date) -> PlanRevision | None:
    return next((one for one in known if one.live_from_on <= today), None)
