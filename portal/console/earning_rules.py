"""Earning rules (积分规则): all of them in words, the life of each, publishing and ending."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.earning import queries
from loyalty.earning.queries import RevisionView, RuleView
from loyalty.earning.rules import EarningEvent
from loyalty.earning.rules.lifecycle import OverridePolicy, RuleState
from loyalty.earning.rules.sentences import sentence
from loyalty.earning.rules.words import Names
from loyalty.earning.service import rules as service
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.stores.rules import StoreKind
from portal.console import exports, forms
from portal.console.access import actor, current_scope, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.earning_rule_names import (
    EVENT_NAMES,
    POLICY_NAMES,
    STATE_COLOURS,
    STATE_NAMES,
    names_for_sentences,
)
from portal.console.filters import local_time
from portal.console.stores import visible_tree
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


class Step(Protocol):
    """Publishing, ending or throwing away, of headquarters' own or of one place."""

    def __call__(
        self, session: "Session", /, *, rule_id: int, node_id: int | None, actor: Actor, at: datetime
    ) -> object:
        """Take the step."""


@blueprint.get("/earning-rules")
@requires(Permission.EARNING_READ)
def earning_rule_list() -> str:
    """List the rules that the filter leaves, each in one sentence."""
    found, names = _found()
    return render_template(
        "console/earning_rule_list.html",
        rules=found,
        says=lambda revision: in_words(revision, names),
        text=forms.text("text"),
        event=forms.text("event"),
        state=forms.text("state"),
        event_names=EVENT_NAMES,
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
    )


@blueprint.get("/earning-rules.csv")
@requires(Permission.EARNING_READ)
def export_earning_rules() -> Response:
    """Download what the filter shows."""
    found, names = _found()
    rows = [
        (
            rule.shown.name,
            EVENT_NAMES[rule.event],
            in_words(rule.shown, names),
            STATE_NAMES[rule.shown.state],
            local_time(rule.shown.starts_at),
            local_time(rule.shown.ends_at),
        )
        for rule in found
    ]
    return exports.csv_response("earning-rules", ("名称", "事件", "规则", "状态", "生效", "结束"), rows)


@blueprint.get("/earning-rules/<int:rule_id>")
@requires(Permission.EARNING_READ)
def earning_rule_page(rule_id: int) -> str:
    """Show one rule: what holds, what waits, what was, and what stores have otherwise."""
    at, scope = container().clock.now(), current_scope()

    def read(session: "Session") -> tuple[RuleView, Names, dict[str, str]]:
        rule = queries.get_rule(session, rule_id=rule_id, at=at)
        mentioned = {name for one in rule.revisions for name in (one.created_by, one.published_by) if name}
        return rule, names_for_sentences(session), names_of(session, mentioned)

    rule, names, people = run(container().database, read)
    overridden = sorted({one.node_id for one in rule.revisions if one.node_id is not None})
    return render_template(
        "console/earning_rule_page.html",
        rule=rule,
        names=names,
        people=people,
        says=lambda revision: in_words(revision, names),
        places=[node_id for node_id in overridden if scope.covers(node_id)],
        own_nodes=[node for node in visible_tree() if node.kind != StoreKind.HEADQUARTERS],
        event_names=EVENT_NAMES,
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
        policies=POLICY_NAMES,
        is_chain_wide=scope.is_chain_wide,
    )


@blueprint.post("/earning-rules/<int:rule_id>/publish")
@requires(Permission.EARNING_WRITE)
def publish_earning_rule(rule_id: int) -> Response:
    """Put the draft of headquarters in force."""
    for_the_chain()
    return settle(service.publish, rule_id=rule_id, done="已发布")


@blueprint.post("/earning-rules/<int:rule_id>/end")
@requires(Permission.EARNING_WRITE)
def end_earning_rule(rule_id: int) -> Response:
    """End a rule everywhere."""
    for_the_chain()
    return settle(service.end, rule_id=rule_id, done="已结束，之后的消费不再按这条规则发放")


@blueprint.post("/earning-rules/<int:rule_id>/discard")
@requires(Permission.EARNING_WRITE)
def discard_earning_rule_draft(rule_id: int) -> Response:
    """Throw the draft of headquarters away."""
    for_the_chain()
    return settle(service.discard_draft, rule_id=rule_id, done="草稿已删除", back=url_for("console.earning_rule_list"))


@blueprint.post("/earning-rules/<int:rule_id>/override-policy")
@requires(Permission.EARNING_APPROVE)
def set_earning_override_policy(rule_id: int) -> Response:
    """Say what stores and regions may have otherwise."""
    for_the_chain()
    at, policy = container().clock.now(), forms.parsed_choice("policy", forms.text("policy"), OverridePolicy)
    return forms.act(
        lambda session: service.set_override_policy(session, rule_id=rule_id, policy=policy, actor=actor(), at=at),
        done="已保存",
        back=page_of(rule_id),
    )


def settle(step: Step, *, rule_id: int, node_id: int | None = None, done: str, back: str = "") -> Response:
    """Take a step with what headquarters, or a place, has of a rule, and go back to the rule's page."""
    at = container().clock.now()
    return forms.act(
        lambda session: step(session, rule_id=rule_id, node_id=node_id, actor=actor(), at=at),
        done=done,
        back=back or page_of(rule_id),
    )


def in_words(revision: RevisionView, names: Names) -> str:
    """Return what a revision says; one without a definition leaves its place out."""
    return sentence(revision.definition, names=names) if revision.definition is not None else "不参加这条规则。"


def page_of(rule_id: int) -> str:
    """Return the address of a rule's page."""
    return url_for("console.earning_rule_page", rule_id=rule_id)


def _found() -> tuple[Sequence[RuleView], Names]:
    at, text = container().clock.now(), forms.text("text").lower()
    event, state = forms.optional_choice("event", EarningEvent), forms.optional_choice("state", RuleState)

    def read(session: "Session") -> tuple[Sequence[RuleView], Names]:
        return queries.list_rules(session, at=at), names_for_sentences(session)

    rules, names = run(container().database, read)
    return [
        rule
        for rule in rules
        if text in f"{rule.shown.name} {in_words(rule.shown, names)}".lower()
        and event in (None, rule.event)
        and state in (None, rule.shown.state)
    ], names
