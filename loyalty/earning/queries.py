"""Reads of earning rules: which revisions are in force where and when, and what the console shows of all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.earning.live import LIVE, read_live
from loyalty.earning.models import EarningRule, EarningRuleRevision
from loyalty.earning.rules import EarningEvent, Evaluation, EventFacts, RuleRevision, evaluate
from loyalty.earning.rules.definition import Definition
from loyalty.earning.rules.documents import from_json
from loyalty.earning.rules.errors import EarningRuleNotFound
from loyalty.earning.rules.lifecycle import OverridePolicy, RuleState, state_of
from loyalty.earning.titles import with_titles

TRIED_ID = 2**62
"""Stands for what has no id yet; above every row's."""


@dataclass(frozen=True, slots=True)
class RevisionView:
    """One revision as the console shows it; without a definition the store does not take part."""

    id: int
    number: int
    node_id: int | None
    name: str
    definition: Definition | None
    starts_at: datetime | None
    ends_at: datetime | None
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None
    state: RuleState


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule with all its revisions, the latest first."""

    id: int
    event: EarningEvent
    override_policy: OverridePolicy
    revisions: tuple[RevisionView, ...]

    def at_node(self, node_id: int | None) -> tuple[RevisionView, ...]:
        """Return the revisions of headquarters, or the overrides of one place."""
        return tuple(one for one in self.revisions if one.node_id == node_id)

    @property
    def shown(self) -> RevisionView:
        """The revision of headquarters that says best what the rule is: live, else scheduled, draft, ended."""
        return self.standing(None)

    def standing(self, node_id: int | None) -> RevisionView:
        """Return the revision that says best what holds in a place; it must have one."""
        order = (RuleState.LIVE, RuleState.SCHEDULED, RuleState.DRAFT, RuleState.ENDED)
        return min(self.at_node(node_id), key=lambda one: (order.index(one.state), -one.number))

    def draft(self, node_id: int | None) -> RevisionView | None:
        """Return the draft that waits to be published, if there is one."""
        return next((one for one in self.at_node(node_id) if one.state is RuleState.DRAFT), None)


def live_revisions(
    session: Session, *, event: EarningEvent, at: datetime, store_id: int | None
) -> Sequence[RuleRevision]:
    """Return the revisions that an event of an instant is evaluated by, one at most of each rule.

    See ``live.read_live`` for overrides of stores and regions.
    """
    rows = session.execute(select(LIVE), {"event": event, "at": at, "store_id": store_id}).scalar()
    return read_live(rows, store_id=store_id)


def get_revisions(session: Session, *, revision_ids: Collection[int]) -> Sequence[RuleRevision]:
    """Return published revisions as they paid, whatever became of their rules."""
    query = select(EarningRuleRevision).where(EarningRuleRevision.id.in_(revision_ids))
    return [_revision(row) for row in session.scalars(query.order_by(EarningRuleRevision.id))]


def try_out(
    session: Session, *, name: str, definition: Definition, rule_id: int | None, facts: EventFacts, at: datetime
) -> Evaluation:
    """Reckon what an event would earn were a definition in force (试算), beside all other rules that are.

    ``rule_id`` is the rule that it would change. Caps, budgets and stocks of coupons are taken as unused.
    """
    live = live_revisions(session, event=facts.event, at=at, store_id=facts.store_id)
    tried = RuleRevision(
        id=TRIED_ID, rule_id=rule_id or TRIED_ID, number=1, name=name, definition=definition, starts_at=at
    )
    return with_titles(session, evaluate([*(one for one in live if one.rule_id != rule_id), tried], facts))


def list_rules(session: Session, *, at: datetime) -> Sequence[RuleView]:
    """Return all rules as they stand at an instant, the newest first."""
    rules = session.scalars(select(EarningRule).order_by(EarningRule.id.desc())).all()
    return _views(session, rules, at)


def get_rule(session: Session, *, rule_id: int, at: datetime) -> RuleView:
    """Return one rule as it stands at an instant.

    Raises:
        EarningRuleNotFound: there is no such rule.
    """
    rule = session.get(EarningRule, rule_id)
    if rule is None:
        raise EarningRuleNotFound(rule_id=rule_id)
    return _views(session, [rule], at)[0]


def _views(session: Session, rules: Sequence[EarningRule], at: datetime) -> list[RuleView]:
    query = select(EarningRuleRevision).where(EarningRuleRevision.rule_id.in_([rule.id for rule in rules]))
    revisions: dict[int, list[RevisionView]] = {}
    for row in session.scalars(query.order_by(EarningRuleRevision.number.desc())):
        revisions.setdefault(row.rule_id, []).append(_view(row, at))
    return [
        RuleView(rule.id, EarningEvent(rule.event), OverridePolicy(rule.override_policy), tuple(revisions[rule.id]))
        for rule in rules
    ]


def _view(row: EarningRuleRevision, at: datetime) -> RevisionView:
    return RevisionView(
        id=row.id,
        number=row.number,
        node_id=row.node_id,
        name=row.name,
        definition=from_json(row.definition) if row.definition is not None else None,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        created_by=row.created_by,
        created_at=row.created_at,
        published_by=row.published_by,
        published_at=row.published_at,
        state=state_of(published_at=row.published_at, starts_at=row.starts_at, ends_at=row.ends_at, at=at),
    )


def _revision(row: EarningRuleRevision) -> RuleRevision:
    assert row.starts_at is not None, "a published revision has its start"
    return RuleRevision(
        id=row.id,
        rule_id=row.rule_id,
        number=row.number,
        name=row.name,
        definition=from_json(row.definition),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        node_id=row.node_id,
    )
