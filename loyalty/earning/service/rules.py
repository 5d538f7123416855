"""The life of a rule: drafts are edited, published revisions never; a change makes the next revision.

Of the revisions of headquarters, and of the overrides of each place, one at most is in force at an instant: publishing
ends the one before at the moment the new one begins. Every change locks the rule, and is audited.
"""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from loyalty.approvals.rules import check_decider
from loyalty.coupons.queries.prospects import is_issuing
from loyalty.earning.models import EarningRule, EarningRuleRevision
from loyalty.earning.rules.checking import check_definition
from loyalty.earning.rules.definition import Definition
from loyalty.earning.rules.documents import to_json
from loyalty.earning.rules.errors import (
    EarningRuleCouponUnknown,
    EarningRuleNotRunning,
    EarningRuleOver,
    EarningRuleTagUnknown,
    InvalidEarningRule,
    NoEarningRuleDraft,
    OverrideNotPermitted,
    OverrideWithoutDefault,
    Problem,
)
from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.lifecycle import OverridePolicy, check_draft, check_event_kept, check_override
from loyalty.earning.service.revisions import (
    end_revision,
    find_draft,
    locked_rule,
    next_number,
    picture_of,
    running_revisions,
    write_audit,
)
from loyalty.kernel.audit import Actor
from loyalty.stores.queries import get_store, names
from loyalty.stores.rules import StoreKind
from loyalty.tags import queries as tags


def create_rule(
    session: Session,
    *,
    name: str,
    definition: Definition,
    starts_at: datetime | None,
    ends_at: datetime | None,
    actor: Actor,
    at: datetime,
) -> int:
    """Make a rule with its first draft (草稿); return the rule's id. Nothing is paid by it until it is published.

    Raises:
        ValueForFollowingOrSharing: it would pay for what WeChat forbids to pay for.
        InvalidEarningRule: it could not be paid as it reads.
        EarningRuleTagUnknown: it asks for a tag that does not exist.
        EarningRuleCouponUnknown: it gives a coupon that is not issued.
        InvalidExpiryPolicy: its expiry policy cannot be reckoned.
    """
    check_definition(definition)
    check_draft(name=name, starts_at=starts_at, ends_at=ends_at)
    rule = EarningRule(
        event=definition.event, override_policy=OverridePolicy.NONE, created_by=actor.name, created_at=at
    )
    session.add(rule)
    session.flush()
    save_draft(
        session,
        rule_id=rule.id,
        name=name,
        definition=definition,
        starts_at=starts_at,
        ends_at=ends_at,
        actor=actor,
        at=at,
    )
    return rule.id


def save_draft(
    session: Session,
    *,
    rule_id: int,
    name: str,
    definition: Definition | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    node_id: int | None = None,
    actor: Actor,
    at: datetime,
) -> int:
    """Keep what the next revision shall say, in place of an earlier draft; return the revision's id.

    With ``node_id`` it is an override of that store or region (门店调整); without a definition it does not take part.

    Raises:
        EarningRuleNotFound: there is no such rule.
        ValueForFollowingOrSharing: it would pay for what WeChat forbids to pay for.
        InvalidEarningRule: it could not be paid as it reads.
        EarningRuleTagUnknown: it asks for a tag that does not exist.
        EarningRuleCouponUnknown: it gives a coupon that is not issued.
        InvalidExpiryPolicy: its expiry policy cannot be reckoned.
        StoreNotFound: there is no such store or region.
        OverrideNotPermitted: headquarters does not let this rule be had otherwise.
        OverrideWithoutDefault: headquarters has not published the rule.
    """
    rule = locked_rule(session, rule_id)
    check_draft(name=name, starts_at=starts_at, ends_at=ends_at)
    _check_saying(session, rule, node_id, definition, at)
    draft = _draft_of(session, rule_id, node_id)
    before = picture_of(draft) if draft.id else None
    draft.name, draft.starts_at, draft.ends_at = name, starts_at, ends_at
    draft.definition = to_json(definition) if definition is not None else None
    draft.created_by, draft.created_at = actor.name, at
    session.add(draft)
    session.flush()
    write_audit(session, "earning.save_draft", rule_id, before, picture_of(draft), actor, at)
    return draft.id


def discard_draft(session: Session, *, rule_id: int, node_id: int | None = None, actor: Actor, at: datetime) -> None:
    """Throw the draft away; a rule that was never published goes with it.

    Raises:
        EarningRuleNotFound: there is no such rule.
        NoEarningRuleDraft: there is no draft.
    """
    rule = locked_rule(session, rule_id)
    draft = find_draft(session, rule_id, node_id)
    if draft is None:
        raise NoEarningRuleDraft
    before = picture_of(draft)
    session.execute(delete(EarningRuleRevision).where(EarningRuleRevision.id == draft.id))
    is_left = select(EarningRuleRevision.id).where(EarningRuleRevision.rule_id == rule_id).limit(1)
    if session.scalar(is_left) is None:
        session.delete(rule)
    session.flush()
    write_audit(session, "earning.discard_draft", rule_id, before, None, actor, at)


def publish(session: Session, *, rule_id: int, node_id: int | None = None, actor: Actor, at: datetime) -> int:
    """Put the draft in force (发布), at once or when it wants to start; return the revision's id.

    What it replaces ends at that moment, and what was to begin later never does. A start that has passed meanwhile
    becomes now: nothing is ever in force for the past. An override is approved by somebody else than who proposed it.

    Raises:
        EarningRuleNotFound: there is no such rule.
        NoEarningRuleDraft: there is no draft.
        EarningRuleOver: the draft's end has passed.
        OverrideNotPermitted: headquarters no longer lets this rule be had otherwise.
        OverrideWithoutDefault: headquarters has ended the rule meanwhile.
        ApprovalByMaker: it is an override that the actor proposed.
    """
    rule = locked_rule(session, rule_id)
    draft = find_draft(session, rule_id, node_id)
    if draft is None:
        raise NoEarningRuleDraft
    starts_at = max(draft.starts_at or at, at)
    if draft.ends_at is not None and draft.ends_at <= starts_at:
        raise EarningRuleOver
    if node_id is not None:
        check_decider(requested_by=draft.created_by, decider=actor.name)
        _check_permission(session, rule, is_exclusion=draft.definition is None, at=at)
    for earlier in running_revisions(session, rule_id, at, node_id):
        end_revision(earlier, starts_at)
    session.flush()
    draft.starts_at, draft.published_by, draft.published_at = starts_at, actor.name, at
    session.flush()
    write_audit(session, "earning.publish", rule_id, None, picture_of(draft), actor, at)
    return draft.id


def end(session: Session, *, rule_id: int, node_id: int | None = None, actor: Actor, at: datetime) -> None:
    """End what is in force or was to be (结束); events of before are still evaluated by it when they come late.

    Ending the default of headquarters ends every override with it.

    Raises:
        EarningRuleNotFound: there is no such rule.
        EarningRuleNotRunning: nothing is in force, nor will be.
    """
    locked_rule(session, rule_id)
    running = running_revisions(session, rule_id, at, node_id)
    if not running:
        raise EarningRuleNotRunning
    if node_id is None:
        running = running_revisions(session, rule_id, at)
    before = {"revisions": [picture_of(one) for one in running]}
    for revision in running:
        end_revision(revision, at)
    session.flush()
    write_audit(session, "earning.end", rule_id, before, {"ended_at": at.isoformat()}, actor, at)


def set_override_policy(session: Session, *, rule_id: int, policy: OverridePolicy, actor: Actor, at: datetime) -> None:
    """Say what stores and regions may have otherwise; overrides that are no longer permitted end now.

    Raises:
        EarningRuleNotFound: there is no such rule.
    """
    rule = locked_rule(session, rule_id)
    before = {"override_policy": rule.override_policy}
    rule.override_policy = policy.value
    for revision in running_revisions(session, rule_id, at):
        if revision.node_id is not None and not _is_permitted(policy, is_exclusion=revision.definition is None):
            end_revision(revision, at)
    session.flush()
    write_audit(session, "earning.set_override_policy", rule_id, before, {"override_policy": policy.value}, actor, at)


def _draft_of(session: Session, rule_id: int, node_id: int | None) -> EarningRuleRevision:
    return find_draft(session, rule_id, node_id) or EarningRuleRevision(
        rule_id=rule_id, node_id=node_id, number=next_number(session, rule_id)
    )


def _check_saying(
    session: Session, rule: EarningRule, node_id: int | None, definition: Definition | None, at: datetime
) -> None:
    if definition is not None:
        check_definition(definition)
        check_event_kept(definition, EarningEvent(rule.event))
        _check_nodes_exist(session, definition)
        _check_tags_exist(session, definition)
        _check_coupon_issued(session, definition)
    if node_id is not None:
        _check_place(session, rule, node_id, definition, at)


def _check_nodes_exist(session: Session, definition: Definition) -> None:
    wanted = definition.conditions
    problems = [
        Problem(field, f"{label}里有已不存在的门店")
        for field, label, ids in (
            ("included_nodes", "参加的门店", wanted.included_nodes),
            ("excluded_nodes", "不参加的门店", wanted.excluded_nodes),
        )
        if len(names(session, ids)) != len(ids)
    ]
    if problems:
        raise InvalidEarningRule(problems)


def _check_tags_exist(session: Session, definition: Definition) -> None:
    wanted = definition.conditions.tags
    if len(tags.names(session, wanted)) != len(wanted):
        raise EarningRuleTagUnknown([Problem("tags", "会员标签里有已不存在的标签")])


def _check_coupon_issued(session: Session, definition: Definition) -> None:
    template_id = definition.coupon_template_id
    if template_id is not None and not is_issuing(session, template_id=template_id):
        raise EarningRuleCouponUnknown([Problem("coupon_template_id", "所送的优惠券不存在、未发布或已停止发放")])


def _check_place(
    session: Session, rule: EarningRule, node_id: int, definition: Definition | None, at: datetime
) -> None:
    check_override(definition, OverridePolicy(rule.override_policy))
    _check_permission(session, rule, is_exclusion=definition is None, at=at)
    if get_store(session, store_id=node_id).kind == StoreKind.HEADQUARTERS:
        raise OverrideNotPermitted(node_id=node_id)


def _check_permission(session: Session, rule: EarningRule, *, is_exclusion: bool, at: datetime) -> None:
    if not _is_permitted(OverridePolicy(rule.override_policy), is_exclusion=is_exclusion):
        raise OverrideNotPermitted(policy=rule.override_policy)
    if not running_revisions(session, rule.id, at, None):
        raise OverrideWithoutDefault


def _is_permitted(policy: OverridePolicy, *, is_exclusion: bool) -> bool:
    return policy is OverridePolicy.OVERRIDE or (policy is OverridePolicy.EXCLUDE and is_exclusion)
