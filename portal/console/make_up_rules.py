"""The rules of making up (补签规则), on the page of the check-in plan: how long ago, how often, what a card costs."""

from dataclasses import dataclass

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from loyalty.check_ins.cards import rules_in_force
from loyalty.check_ins.making_up import save_rules
from loyalty.check_ins.rules import MakeUpRules
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.form_fields import shown
from portal.context import container

OFFERED_FIRST = MakeUpRules(days_back=0, month_limit=3, card_price=50)
"""Where the form starts while nothing was set: closed."""


@dataclass(frozen=True, slots=True)
class RulesForm:
    """The form as it stands."""

    days_back: str
    month_limit: str
    card_price: str
    is_offered: bool


def rules_form() -> RulesForm:
    """Return the form of the rules in force."""
    rules = run(container().database, rules_in_force)
    filled = rules or OFFERED_FIRST
    return RulesForm(str(filled.days_back), str(filled.month_limit), shown(filled.card_price), rules is not None)


@blueprint.post("/check-in-plan/make-ups")
@requires(Permission.CHECK_INS_WRITE)
def save_make_up_rules() -> Response:
    """Set by which rules days are made up from now on."""
    for_the_chain()
    at = container().clock.now()
    try:
        rules = MakeUpRules(
            forms.integer("days_back"), forms.integer("month_limit"), forms.optional_integer("card_price")
        )
        run(container().database, lambda session: save_rules(session, rules=rules, actor=actor(), at=at))
    except InvalidInput as error:
        flash(forms.reason_of(error), "danger")
    else:
        flash("补签规则已保存，立即生效" if rules.days_back else "补签已关闭", "success")
    return redirect(url_for("console.check_in_plan"), 303)
