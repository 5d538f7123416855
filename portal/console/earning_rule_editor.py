"""The editor of earning rules: start from a template, fill in, try out on a basket, keep as a draft."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries import titles
from loyalty.coupons.rules.states import TemplateState
from loyalty.earning import queries
from loyalty.earning.queries import RuleView
from loyalty.earning.rules import EarningEvent
from loyalty.earning.rules.checking import check_definition
from loyalty.earning.rules.errors import InvalidEarningRule
from loyalty.earning.rules.sentences import sentence
from loyalty.earning.rules.templates import TEMPLATES
from loyalty.earning.rules.words import LIMIT_NAMES
from loyalty.earning.service import rules as service
from loyalty.kernel.clock import business_date
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.kernel.wording import WEEKDAY_NAMES
from loyalty.staff.rules import Permission
from loyalty.tags.queries import list_choices
from loyalty.tiers.queries import list_tiers
from loyalty.tiers.rules import Tier
from portal.console import form_fields, forms
from portal.console.access import PermissionMissing, actor, for_the_chain, may, requires
from portal.console.blueprint import blueprint
from portal.console.earning_overrides import own_node
from portal.console.earning_rule_fields import LABELS, Reader
from portal.console.earning_rule_form import Typed, definition_of, form_of, typed_of
from portal.console.earning_rule_names import EVENT_NAMES, names_for_sentences
from portal.console.earning_rule_trial import Trial, try_out
from portal.console.earning_rules import page_of
from portal.console.form_fields import Form, shown_moment
from portal.console.points_expiry import EXPIRY_NAMES
from portal.console.stores import visible_tree
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@dataclass(frozen=True, slots=True)
class Subject:
    """What is edited: a new rule, a rule of headquarters, or the override of one place."""

    event: EarningEvent
    rule_id: int | None = None
    node_id: int | None = None


@blueprint.get("/earning-rules/new")
@requires(Permission.EARNING_WRITE)
def new_earning_rule() -> str:
    """Offer the templates, or the form that starts from one."""
    for_the_chain()
    template = TEMPLATES.get(forms.text("template"))
    if template is None:
        return render_template("console/earning_rule_templates.html", templates=TEMPLATES)
    definition = template.start(business_date(container().clock.now(), container().zone))
    return _editor(Subject(definition.event), form_of(definition) | {"name": [template.name]})


@blueprint.post("/earning-rules")
@requires(Permission.EARNING_WRITE)
def create_earning_rule() -> Response | tuple[str, int]:
    """Keep a new rule as a draft."""
    for_the_chain()
    subject = Subject(forms.parsed_choice("event", forms.text("event"), EarningEvent))
    at = container().clock.now()
    return _save(
        subject,
        lambda session, typed: service.create_rule(
            session,
            name=typed.name,
            definition=typed.definition,
            starts_at=typed.starts_at,
            ends_at=typed.ends_at,
            actor=actor(),
            at=at,
        ),
    )


@blueprint.get("/earning-rules/<int:rule_id>/edit")
@requires(Permission.EARNING_WRITE)
def edit_earning_rule(rule_id: int) -> str:
    """Show the form for the next revision of headquarters."""
    for_the_chain()
    return _editor_of(_rule(rule_id), None)


@blueprint.post("/earning-rules/<int:rule_id>/draft")
@requires(Permission.EARNING_WRITE)
def save_earning_rule_draft(rule_id: int) -> Response | tuple[str, int]:
    """Keep what was filled in as the draft of headquarters."""
    for_the_chain()
    return _save_draft(_rule(rule_id), None)


@blueprint.get("/earning-rules/<int:rule_id>/overrides/<int:node_id>/edit")
@requires(Permission.EARNING_OVERRIDE)
def edit_earning_override(rule_id: int, node_id: int) -> str:
    """Show the form for what one place shall have otherwise."""
    own_node(node_id)
    return _editor_of(_rule(rule_id), node_id)


@blueprint.post("/earning-rules/<int:rule_id>/overrides/<int:node_id>/draft")
@requires(Permission.EARNING_OVERRIDE)
def save_earning_override(rule_id: int, node_id: int) -> Response | tuple[str, int]:
    """Keep what was filled in as the draft of one place."""
    own_node(node_id)
    return _save_draft(_rule(rule_id), node_id)


@blueprint.post("/earning-rules/preview")
@requires(Permission.EARNING_READ)
def preview_earning_rule() -> str | tuple[str, int]:
    """Say what was filled in in words, and what a sample basket would earn; keep nothing."""
    if not (may(Permission.EARNING_WRITE) or may(Permission.EARNING_OVERRIDE)):
        raise PermissionMissing
    subject = Subject(
        forms.parsed_choice("event", forms.text("event"), EarningEvent),
        forms.optional_integer("rule_id"),
        forms.optional_integer("node_id"),
    )
    form, trial, problems = form_fields.given(), None, list[str]()
    try:
        trial = _tried(subject, form)
    except LoyaltyError as error:
        problems = _problems(error)
    if request.headers.get("HX-Request"):
        return render_template("console/_earning_rule_trial.html", trial=trial, problems=problems)
    return _editor(subject, form, trial=trial, problems=problems)


def _tried(subject: Subject, form: Form) -> Trial:
    definition = definition_of(form, subject.event)
    check_definition(definition)
    at, zone = container().clock.now(), container().zone

    def read(session: "Session") -> Trial:
        says = sentence(definition, names=names_for_sentences(session))
        return try_out(session, form=form, definition=definition, rule_id=subject.rule_id, says=says, zone=zone, at=at)

    return run(container().database, read)


def _save(subject: Subject, keep: "Callable[[Session, Typed], int]") -> Response | tuple[str, int]:
    form = form_fields.given()
    try:
        typed = typed_of(form, subject.event, container().zone)
        kept = run(container().database, lambda session: keep(session, typed))
    except LoyaltyError as error:
        return _editor(subject, form, problems=_problems(error)), status_of(error)
    flash("草稿已保存，发布后才会生效", "success")
    return redirect(page_of(subject.rule_id or kept), 303)


def _save_draft(rule: RuleView, node_id: int | None) -> Response | tuple[str, int]:
    at = container().clock.now()
    return _save(
        Subject(rule.event, rule.id, node_id),
        lambda session, typed: service.save_draft(
            session,
            rule_id=rule.id,
            node_id=node_id,
            name=typed.name,
            definition=typed.definition,
            starts_at=typed.starts_at,
            ends_at=typed.ends_at,
            actor=actor(),
            at=at,
        ),
    )


def _editor_of(rule: RuleView, node_id: int | None) -> str:
    standing = rule.draft(node_id) or (rule.standing(node_id) if rule.at_node(node_id) else rule.shown)
    definition = standing.definition or rule.shown.definition
    assert definition is not None, "headquarters' own revisions always have one"
    form = form_of(definition) | {"name": [standing.name]}
    if node_id is not None:
        form |= {"included_nodes": [], "excluded_nodes": []}
    zone, draft = container().zone, rule.draft(node_id)
    if draft is not None:
        form |= {"starts_at": [shown_moment(draft.starts_at, zone)], "ends_at": [shown_moment(draft.ends_at, zone)]}
    return _editor(Subject(rule.event, rule.id, node_id), form)


def _editor(
    subject: Subject,
    form: Mapping[str, Sequence[str]],
    *,
    trial: Trial | None = None,
    problems: Sequence[str] = (),
) -> str:
    def read(session: "Session") -> tuple[Sequence[Tier], dict[int, str], dict[int, str]]:
        return list_tiers(session), list_choices(session, beside=Reader(form).numbers("tags")), _coupons(session, form)

    tiers, tags, coupons = run(container().database, read)
    nodes = visible_tree()
    return render_template(
        "console/earning_rule_form.html",
        subject=subject,
        action=_action(subject),
        place=next((node.name for node in nodes if node.id == subject.node_id), ""),
        value=lambda name: next(iter(form.get(name, ())), ""),
        values=lambda name: set(form.get(name, ())),
        labels=LABELS,
        limit_names=LIMIT_NAMES,
        weekday_names=WEEKDAY_NAMES,
        expiry_names=EXPIRY_NAMES,
        event_name=EVENT_NAMES[subject.event],
        is_purchase=subject.event is EarningEvent.PURCHASE,
        is_custom=subject.event is EarningEvent.CUSTOM,
        nodes=[node for node in nodes if node.parent_id is not None],
        tiers=tiers,
        tags=tags,
        coupons=coupons,
        trial=trial,
        problems=problems,
    )


def _coupons(session: "Session", form: Form) -> dict[int, str]:
    """Return the templates that issue, with the one that was chosen when it does no more."""
    chosen = Reader(form).whole("coupon_template_id")
    return titles.list_choices(session, state=TemplateState.LIVE) | titles.titles(
        session, () if chosen is None else (chosen,)
    )


def _action(subject: Subject) -> str:
    if subject.rule_id is None:
        return url_for("console.create_earning_rule")
    if subject.node_id is None:
        return url_for("console.save_earning_rule_draft", rule_id=subject.rule_id)
    return url_for("console.save_earning_override", rule_id=subject.rule_id, node_id=subject.node_id)


def _problems(error: LoyaltyError) -> list[str]:
    if isinstance(error, InvalidEarningRule):
        return [problem.reason for problem in error.problems]
    return [error.message]


def _rule(rule_id: int) -> RuleView:
    at = container().clock.now()
    return run(container().database, lambda session: queries.get_rule(session, rule_id=rule_id, at=at))
