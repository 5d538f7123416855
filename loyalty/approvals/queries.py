"""Approvals queries: what waits, and what was decided about a thing."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.approvals.models import Approval
from loyalty.approvals.rules import ApprovalKind, ApprovalNotFound, ApprovalState, ApprovalView


def get_approval(session: Session, *, approval_id: int) -> ApprovalView:
    """Return one request.

    Raises:
        ApprovalNotFound: there is no such request.
    """
    approval = session.get(Approval, approval_id, populate_existing=True)
    if approval is None:
        raise ApprovalNotFound(approval_id=approval_id)
    return view_of(approval)


def find_latest(session: Session, *, kind: ApprovalKind, subject: str) -> ApprovalView | None:
    """Return the latest request about a thing."""
    latest = session.scalars(
        select(Approval)
        .where(Approval.kind == kind, Approval.subject == subject)
        .order_by(Approval.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    return None if latest is None else view_of(latest)


def list_waiting(session: Session, *, kind: ApprovalKind) -> Sequence[ApprovalView]:
    """Return what waits for a decision, oldest first."""
    waiting = session.scalars(
        select(Approval)
        .where(Approval.kind == kind, Approval.state == ApprovalState.WAITING)
        .order_by(Approval.id)
        .execution_options(populate_existing=True)
    )
    return [view_of(approval) for approval in waiting]


def view_of(approval: Approval) -> ApprovalView:
    """Read a row."""
    return ApprovalView(
        id=approval.id,
        kind=ApprovalKind(approval.kind),
        subject=approval.subject,
        facts=approval.facts,
        state=ApprovalState(approval.state),
        requested_by=approval.requested_by,
        requested_at=approval.requested_at,
        decided_by=approval.decided_by,
        decided_at=approval.decided_at,
    )
