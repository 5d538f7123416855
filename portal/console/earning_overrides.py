"""What stores and regions have otherwise of a rule (门店调整): proposed for one's own, approved by headquarters."""

from flask import redirect, url_for
from werkzeug.wrappers import Response

from loyalty.earning import queries
from loyalty.earning.service import rules as service
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.stores.queries import StoreNotFound
from portal.console import forms
from portal.console.access import actor, current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.earning_rules import page_of, settle
from portal.context import container


@blueprint.post("/earning-rules/<int:rule_id>/overrides")
@requires(Permission.EARNING_OVERRIDE)
def propose_earning_override(rule_id: int) -> Response:
    """Propose that a place does not take part, or lead to the form for what it shall have instead."""
    node_id = own_node(forms.integer("node_id"))
    if forms.text("wish") != "exclude":
        return redirect(url_for("console.edit_earning_override", rule_id=rule_id, node_id=node_id), 303)
    at = container().clock.now()
    rule = run(container().database, lambda session: queries.get_rule(session, rule_id=rule_id, at=at))
    return forms.act(
        lambda session: service.save_draft(
            session,
            rule_id=rule_id,
            node_id=node_id,
            name=rule.shown.name,
            definition=None,
            starts_at=None,
            ends_at=None,
            actor=actor(),
            at=at,
        ),
        done="已提交，总部复核后生效",
        back=page_of(rule_id),
    )


@blueprint.post("/earning-rules/<int:rule_id>/overrides/<int:node_id>/publish")
@requires(Permission.EARNING_APPROVE)
def publish_earning_override(rule_id: int, node_id: int) -> Response:
    """Approve what a place shall have otherwise."""
    own_node(node_id)
    return settle(service.publish, rule_id=rule_id, node_id=node_id, done="已复核并发布")


@blueprint.post("/earning-rules/<int:rule_id>/overrides/<int:node_id>/end")
@requires(Permission.EARNING_APPROVE)
def end_earning_override(rule_id: int, node_id: int) -> Response:
    """Let a place have the rule of headquarters again."""
    own_node(node_id)
    return settle(service.end, rule_id=rule_id, node_id=node_id, done="已结束，恢复使用总部规则")


@blueprint.post("/earning-rules/<int:rule_id>/overrides/<int:node_id>/discard")
@requires(Permission.EARNING_OVERRIDE)
def discard_earning_override(rule_id: int, node_id: int) -> Response:
    """Throw a proposal away."""
    own_node(node_id)
    return settle(service.discard_draft, rule_id=rule_id, node_id=node_id, done="申请已删除")


def own_node(node_id: int) -> int:
    """Return a place that the caller sees.

    Raises:
        StoreNotFound: it is none, or not one of theirs.
    """
    if not current_scope().covers(node_id):
        raise StoreNotFound
    return node_id
