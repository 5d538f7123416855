"""Risk rules (风控规则): all of them in their order; each change is a revision of the whole that never changes.

A page carries the revision that it showed: what somebody else saved meanwhile is not written over.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import Conflict, InvalidInput, LoyaltyError, NotFound
from loyalty.kernel.transaction import run
from loyalty.risk import service
from loyalty.risk.queries.rules import current_rules, list_rule_sets
from loyalty.risk.rules.deciding import Bound, Condition, InvalidRiskRules, Rule
from loyalty.risk.rules.signals import WORDS
from loyalty.risk.rules.subjects import Verdict
from loyalty.staff.rules import Permission
from portal.console import exports, form_fields, forms, risk_names
from portal.console.access import actor, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.form_fields import Form
from portal.console.risk_rule_form import LABELS, ROWS, form_of, rule_of
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

Rules = tuple[Rule, ...]
HEADER = ("顺序", "代码", "名称", "场景", "条件", "结论", "启用")
_NEW = Rule("", "", frozenset(), (), Verdict.REVIEW)


class RiskRulesChanged(Conflict):
    """Somebody saved other rules since the page was shown."""

    code = "risk_rules_changed"
    message = "规则刚被其他人修改，请刷新后重试"


class RiskRuleNotFound(NotFound):
    """No rule that holds has this name."""

    code = "risk_rule_not_found"
    message = "没有找到这条风控规则"


class RiskRuleFirst(InvalidInput):
    """No rule is asked before the first."""

    code = "risk_rule_first"
    message = "已经排在最前"


@blueprint.get("/risk/rules")
@requires(Permission.RISK_READ)
def risk_rule_list() -> str:
    """Show the rules that hold, in the order in which they are asked."""
    for_the_chain()

    def read(session: "Session") -> dict[str, Any]:
        revisions = list_rule_sets(session)
        people = names_of(session, {one.saved_by for one in revisions})
        return {"current": current_rules(session), "revisions": revisions, "people": people}

    return render_template(
        "console/risk_rule_list.html", names=risk_names, says=_says, **run(container().database, read)
    )


@blueprint.get("/risk/rules.csv")
@requires(Permission.RISK_READ)
def export_risk_rules() -> Response:
    """Download the rules that hold."""
    for_the_chain()
    rules = run(container().database, current_rules).rules
    rows = [
        (
            place,
            rule.name,
            rule.title,
            "、".join(risk_names.OCCASION_NAMES[one] for one in sorted(rule.occasions)),
            _says(rule),
            risk_names.VERDICT_NAMES[rule.verdict],
            "是" if rule.is_on else "否",
        )
        for place, rule in enumerate(rules, start=1)
    ]
    return exports.csv_response("risk-rules", HEADER, rows)


@blueprint.get("/risk/rules/new")
@requires(Permission.RISK_WRITE)
def new_risk_rule() -> str:
    """Show the form for another rule, asked last."""
    for_the_chain()
    return _editor(None, form_of(_NEW) | {"is_on": ["yes"], "revision": [_revision()]})


@blueprint.get("/risk/rules/edit")
@requires(Permission.RISK_WRITE)
def edit_risk_rule() -> str:
    """Show the form for a rule."""
    for_the_chain()
    name, current = forms.text("name"), run(container().database, current_rules)
    rule = current.rules[_place(current.rules, name)]
    return _editor(name, form_of(rule) | {"revision": [str(current.id or "")]})


@blueprint.post("/risk/rules")
@requires(Permission.RISK_WRITE)
def create_risk_rule() -> Response | tuple[str, int]:
    """Add a rule."""
    return _keep(None, lambda rules, rule: (*rules, rule))


@blueprint.post("/risk/rules/edit")
@requires(Permission.RISK_WRITE)
def save_risk_rule() -> Response | tuple[str, int]:
    """Change a rule; its name stays, since decisions tell it."""
    name = forms.text("name")
    return _keep(name, lambda rules, rule: _with(rules, name, rule))


@blueprint.post("/risk/rules/switch")
@requires(Permission.RISK_WRITE)
def switch_risk_rule() -> Response:
    """Switch a rule off or on."""
    name = forms.text("name")
    return _change(lambda rules: _with(rules, name, _switched(rules[_place(rules, name)])), "已保存，立即生效")


@blueprint.post("/risk/rules/raise")
@requires(Permission.RISK_WRITE)
def raise_risk_rule() -> Response:
    """Let a rule be asked before the one above it."""
    name = forms.text("name")
    return _change(lambda rules: _raised(rules, _place(rules, name)), "顺序已调整")


@blueprint.post("/risk/rules/remove")
@requires(Permission.RISK_WRITE)
def remove_risk_rule() -> Response:
    """Let a rule hold no more."""
    name = forms.text("name")

    def without(rules: Rules) -> Rules:
        place = _place(rules, name)
        return rules[:place] + rules[place + 1 :]

    return _change(without, "规则已删除")


def _keep(name: str | None, put: Callable[[Rules, Rule], Rules]) -> Response | tuple[str, int]:
    for_the_chain()
    form = form_fields.given()
    try:
        rule = rule_of(form)
        _save(lambda rules: put(rules, rule), next(iter(form.get("revision", ())), ""))
    except LoyaltyError as error:
        return _editor(name, form, problems=_problems(error)), status_of(error)
    flash("已保存，立即生效", "success")
    return redirect(url_for("console.risk_rule_list"), 303)


def _change(change: Callable[[Rules], Rules], done: str) -> Response:
    for_the_chain()
    try:
        _save(change, forms.text("revision"))
    except LoyaltyError as error:
        flash(error.message, "danger")
    else:
        flash(done, "success")
    return redirect(url_for("console.risk_rule_list"), 303)


def _save(change: Callable[[Rules], Rules], revision: str) -> None:
    at = container().clock.now()

    def work(session: "Session") -> None:
        current = current_rules(session)
        if revision != str(current.id or ""):
            raise RiskRulesChanged
        service.save_rules(session, rules=change(current.rules), actor=actor(), at=at)

    run(container().database, work)


def _revision() -> str:
    return str(run(container().database, current_rules).id or "")


def _place(rules: Rules, name: str) -> int:
    for place, rule in enumerate(rules):
        if rule.name == name:
            return place
    raise RiskRuleNotFound(name=name)


def _with(rules: Rules, name: str, rule: Rule) -> Rules:
    place = _place(rules, name)
    return (*rules[:place], rule, *rules[place + 1 :])


def _switched(rule: Rule) -> Rule:
    return replace(rule, is_on=not rule.is_on)


def _raised(rules: Rules, place: int) -> Rules:
    if place == 0:
        raise RiskRuleFirst
    return (*rules[: place - 1], rules[place], rules[place - 1], *rules[place + 1 :])


def _says(rule: Rule) -> str:
    return "，且".join(map(_said, rule.conditions))


def _said(condition: Condition) -> str:
    within = f"{condition.within_hours} 小时内" if condition.within_hours else ""
    sign = "≥" if condition.bound is Bound.AT_LEAST else "≤"
    return f"{within}{WORDS[condition.measured]} {sign} {condition.value}"


def _editor(name: str | None, form: Form, *, problems: Sequence[str] = ()) -> str:
    return render_template(
        "console/risk_rule_form.html",
        rule_name=name,
        value=lambda field: next(iter(form.get(field, ())), ""),
        values=lambda field: set(form.get(field, ())),
        labels=LABELS,
        rows=ROWS,
        names=risk_names,
        problems=problems,
    )


def _problems(error: LoyaltyError) -> list[str]:
    if isinstance(error, InvalidRiskRules):
        return [problem.reason for problem in error.problems]
    return [error.message]
