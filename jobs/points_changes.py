"""What follows from a change of points: the member hears of it, with the reason."""

from datetime import datetime

from jobs.recipients import notify, recipient_of
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.notices.rules import NoticeKind
from loyalty.points import queries as points
from loyalty.points.explanations import sentence


def tell(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member what somebody else did to their points."""
    _tell(session, container, payload, at, is_own_act=False)


def tell_of_own_act(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member what they earned or spent; at night only moments after they did so."""
    _tell(session, container, payload, at, is_own_act=True)


def _tell(session: Session, container: Container, payload: Json, at: datetime, *, is_own_act: bool) -> None:
    member = recipient_of(session, container, payload["member_id"])
    if member is None:
        return
    entry = points.get_entry(session, member_id=payload["member_id"], entry_id=payload["entry_id"])
    is_check_in = entry.explanation.get("rule") == "check_in"
    notify(
        session,
        container,
        member,
        kind=NoticeKind.CHECK_IN_RECORDED if is_check_in else NoticeKind.POINTS_CHANGED,
        subject=f"entry:{entry.id}",
        facts={
            "points": entry.points,
            "balance": payload["balance_after"],
            "reason": sentence(kind=entry.kind, points=entry.points, explanation=entry.explanation),
            "occurred_at": entry.occurred_at.isoformat(),
        },
        at=at,
        acted_at=entry.occurred_at if is_own_act else None,
    )
