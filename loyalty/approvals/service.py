"""Approvals service: asking for a second person's approval (复核), and deciding.

What follows from a decision is the asking module's business: it calls ``decide`` in the transaction in which it acts.
"""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.approvals.models import Approval
from loyalty.approvals.queries import get_approval
from loyalty.approvals.rules import (
    ApprovalDecided,
    ApprovalKind,
    ApprovalState,
    ApprovalView,
    ApprovalWaiting,
    check_decider,
)
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json


def request(session: Session, *, kind: ApprovalKind, subject: str, facts: Json, actor: Actor, at: datetime) -> int:
    """Ask somebody else to approve a thing; return the request's id.

    Raises:
        ApprovalWaiting: the same thing waits for a decision already.
    """
    approval_id = session.execute(
        insert(Approval)
        .values(kind=kind, subject=subject, facts=facts, requested_by=actor.name, requested_at=at)
        .on_conflict_do_nothing()
        .returning(Approval.id)
    ).scalar()
    if approval_id is None:
        raise ApprovalWaiting(subject=subject)
    audit.write(session, actor=actor, action="approvals.request", subject=subject, after=facts, at=at)
    return approval_id


def decide(session: Session, *, approval_id: int, is_approved: bool, actor: Actor, at: datetime) -> ApprovalView:
    """Approve or refuse what another person asked for.

    Raises:
        ApprovalNotFound: there is no such request.
        ApprovalByMaker: the decider asked for it.
        ApprovalDecided: somebody has decided already.
    """
    asked = get_approval(session, approval_id=approval_id)
    check_decider(requested_by=asked.requested_by, decider=actor.name)
    state = ApprovalState.APPROVED if is_approved else ApprovalState.REFUSED
    decided = session.execute(
        update(Approval)
        .where(Approval.id == approval_id, Approval.state == ApprovalState.WAITING)
        .values(state=state, decided_by=actor.name, decided_at=at)
        .returning(Approval.id)
        .execution_options(synchronize_session=False)
    ).first()
    if decided is None:
        raise ApprovalDecided(approval_id=approval_id)
    action = "approvals.approve" if is_approved else "approvals.refuse"
    audit.write(session, actor=actor, action=action, subject=asked.subject, after=dict(asked.facts), at=at)
    return get_approval(session, approval_id=approval_id)
