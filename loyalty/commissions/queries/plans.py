"""The commission plan: what is in force, what was at an instant, and what is drafted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.commissions.models import CommissionPlan
from loyalty.commissions.rules.documents import from_json
from loyalty.commissions.rules.plan import Plan


@dataclass(frozen=True, slots=True)
class PlanView:
    """A revision of the plan; a draft was published by nobody."""

    id: int
    plan: Plan
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None
    acknowledged_text: str | None


def current_plan(session: Session) -> PlanView | None:
    """Return the plan in force, closed ones included, if one was ever published."""
    published = list_plans(session, limit=1)
    return published[0] if published else None


def list_plans(session: Session, *, limit: int | None = None) -> Sequence[PlanView]:
    """Return the published revisions, the one in force first."""
    query = select(CommissionPlan).where(CommissionPlan.published_at.is_not(None))
    rows = session.scalars(query.order_by(CommissionPlan.published_at.desc(), CommissionPlan.id.desc()).limit(limit))
    return [_view(row) for row in rows]


def find_draft(session: Session) -> PlanView | None:
    """Return what is drafted, if anything."""
    row = session.scalar(select(CommissionPlan).where(CommissionPlan.published_at.is_(None)))
    return None if row is None else _view(row)


def plan_of(session: Session, *, plan_id: int) -> Plan:
    """Return what a revision says; it never changes once it was published."""
    return from_json(session.scalars(select(CommissionPlan.definition).where(CommissionPlan.id == plan_id)).one())


def in_force(plans: Sequence[PlanView], at: datetime) -> PlanView | None:
    """Return of published plans, the last first, the one that was in force at an instant."""
    return next((view for view in plans if view.published_at is not None and view.published_at <= at), None)


def _view(row: CommissionPlan) -> PlanView:
    return PlanView(
        id=row.id,
        plan=from_json(row.definition),
        created_by=row.created_by,
        created_at=row.created_at,
        published_by=row.published_by,
        published_at=row.published_at,
        acknowledged_text=row.acknowledged_text,
    )
