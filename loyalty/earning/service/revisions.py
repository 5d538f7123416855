"""Revisions of a rule under its lock: which is the draft, which are in force or will be, and what the audit keeps."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.earning.models import EarningRule, EarningRuleRevision
from loyalty.earning.rules.errors import EarningRuleNotFound
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json


def locked_rule(session: Session, rule_id: int) -> EarningRule:
    """Lock a rule until the transaction ends: whoever changes it waits here.

    Raises:
        EarningRuleNotFound: there is no such rule.
    """
    rule = session.scalars(
        select(EarningRule).where(EarningRule.id == rule_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if rule is None:
        raise EarningRuleNotFound(rule_id=rule_id)
    return rule


def find_draft(session: Session, rule_id: int, node_id: int | None) -> EarningRuleRevision | None:
    """Return the draft of headquarters or of a place, if there is one."""
    return session.scalars(
        select(EarningRuleRevision)
        .where(
            EarningRuleRevision.rule_id == rule_id,
            EarningRuleRevision.node_id.is_not_distinct_from(node_id),
            EarningRuleRevision.published_at.is_(None),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()


def running_revisions(
    session: Session, rule_id: int, at: datetime, *node_ids: int | None
) -> Sequence[EarningRuleRevision]:
    """Return what is in force or will be: in the places named, everywhere when none is."""
    query = select(EarningRuleRevision).where(
        EarningRuleRevision.rule_id == rule_id, EarningRuleRevision.published_at.is_not(None)
    )
    rows = session.scalars(query.order_by(EarningRuleRevision.number).execution_options(populate_existing=True))
    return [
        row
        for row in rows
        if (not node_ids or row.node_id in node_ids)
        and (row.ends_at is None or row.ends_at > max(at, row.starts_at or at))
    ]


def end_revision(revision: EarningRuleRevision, at: datetime) -> None:
    """Let a revision end at an instant, or at its own start when that is later; it never ends later than it would."""
    ends_at = max(at, revision.starts_at or at)
    revision.ends_at = min(ends_at, revision.ends_at or ends_at)


def next_number(session: Session, rule_id: int) -> int:
    """Return the number of a rule's next revision."""
    highest = select(func.max(EarningRuleRevision.number)).where(EarningRuleRevision.rule_id == rule_id)
    return (session.scalar(highest) or 0) + 1


def picture_of(revision: EarningRuleRevision) -> Json:
    """Return a revision as the audit log keeps it."""
    return {
        "revision_id": revision.id,
        "number": revision.number,
        "node_id": revision.node_id,
        "name": revision.name,
        "definition": revision.definition,
        "starts_at": revision.starts_at.isoformat() if revision.starts_at else None,
        "ends_at": revision.ends_at.isoformat() if revision.ends_at else None,
    }


def write_audit(
    session: Session,
    action: str,
    rule_id: int,
    before: Json | None,
    after: Json | None,
    actor: Actor,
    at: datetime,
) -> None:
    """Note a change of a rule in the audit log."""
    audit.write(
        session, actor=actor, action=action, subject=f"earning_rule:{rule_id}", before=before, after=after, at=at
    )
