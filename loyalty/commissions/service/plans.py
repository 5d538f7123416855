"""Drafting and publishing the commission plan; a purchase earns by the revision in force when it was paid."""

from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.commissions.models import CommissionPlan
from loyalty.commissions.queries.plans import current_plan, find_draft
from loyalty.commissions.rules.documents import to_json
from loyalty.commissions.rules.plan import (
    WARNING_VERSION,
    NoCommissionPlanDraft,
    Plan,
    SecondLevelNotAcknowledged,
    check_plan,
)
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json


def save_draft(session: Session, *, plan: Plan, actor: Actor, at: datetime) -> int:
    """Keep a plan as the draft, in place of the one there may be; return its id.

    Raises:
        InvalidCommissionPlan: with everything that is wrong.
    """
    check_plan(plan)
    before = find_draft(session)
    row = insert(CommissionPlan).values(definition=to_json(plan), created_by=actor.name, created_at=at)
    draft_id: int = session.execute(
        row.on_conflict_do_update(
            index_elements=["published_at"],
            index_where=text("published_at IS NULL"),
            set_={name: row.excluded[name] for name in ("definition", "created_by", "created_at")},
        ).returning(CommissionPlan.id)
    ).scalar_one()
    session.expire_all()
    told = None if before is None else to_json(before.plan)
    _audit(session, "commissions.save_draft", draft_id, told, to_json(plan), actor, at)
    return draft_id


def discard_draft(session: Session, *, actor: Actor, at: datetime) -> None:
    """Throw the draft away.

    Raises:
        NoCommissionPlanDraft: there is none.
    """
    draft = find_draft(session)
    if draft is None:
        raise NoCommissionPlanDraft
    session.execute(delete(CommissionPlan).where(CommissionPlan.id == draft.id))
    _audit(session, "commissions.discard_draft", draft.id, to_json(draft.plan), None, actor, at)


def publish(session: Session, *, acknowledged_text: str | None = None, actor: Actor, at: datetime) -> int:
    """Let the draft be in force from now on (发布); what was paid for before earns as was said then.

    Where a second level is paid, who publishes names the version of the warning that they agree to.

    Raises:
        NoCommissionPlanDraft: there is nothing to publish.
        SecondLevelNotAcknowledged: a second level is paid, and the warning in force was not agreed to.
        InvalidCommissionPlan: with everything that is wrong.
    """
    session.execute(select(CommissionPlan.id).where(CommissionPlan.published_at.is_(None)).with_for_update())
    draft = find_draft(session)
    if draft is None:
        raise NoCommissionPlanDraft
    check_plan(draft.plan)
    if draft.plan.second and acknowledged_text != WARNING_VERSION:
        raise SecondLevelNotAcknowledged(version=WARNING_VERSION)
    before = current_plan(session)
    agreed = acknowledged_text if draft.plan.second else None
    session.execute(
        update(CommissionPlan)
        .where(CommissionPlan.id == draft.id)
        .values(published_by=actor.name, published_at=at, acknowledged_text=agreed)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    told = None if before is None else to_json(before.plan)
    after = {**to_json(draft.plan), "acknowledged_text": agreed}
    _audit(session, "commissions.publish", draft.id, told, after, actor, at)
    return draft.id


def _audit(
    session: Session, action: str, plan_id: int, before: Json | None, after: Json | None, actor: Actor, at: datetime
) -> None:
    subject = f"commission_plan:{plan_id}"
    audit.write(session, actor=actor, action=action, subject=subject, before=before, after=after, at=at)
