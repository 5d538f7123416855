"""What follows from a change of points: the member hears of it, with the reason."""

from datetime import datetime

from jobs.recipients import notify, recipient_of
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.notices.rules import NoticeKind
from loyalty.points import queries as points
from loyalty.points.explanations import sentence

_KIND_OF_RULE = {
    "check_in": NoticeKind.CHECK_IN_RECORDED,
    "mission": NoticeKind.MISSION_REWARDED,
    "referral": NoticeKind.REFERRAL_REWARDED,
}
_COMING_AT_ANY_HOUR = (NoticeKind.MISSION_REWARDED, NoticeKind.REFERRAL_REWARDED)
"""What friends do may bring them as well: news of it waits for the morning."""


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
    kind = _kind_of(entry.explanation, entry.points)
    facts: Json = {"occurred_at": entry.occurred_at.isoformat()}
    if kind is NoticeKind.MISSION_REWARDED:
        facts |= {"mission": entry.explanation["title"], "reward": f"{entry.points}积分"}
    else:
        reason = sentence(kind=entry.kind, points=entry.points, explanation=entry.explanation)
        facts |= {"points": entry.points, "balance": payload["balance_after"], "reason": reason}
    is_answer = is_own_act and kind not in _COMING_AT_ANY_HOUR
    notify(
        session,
        container,
        member,
        kind=kind,
        subject=f"entry:{entry.id}",
        facts=facts,
        at=at,
        acted_at=entry.occurred_at if is_answer else None,
    )


def _kind_of(explanation: Json, change: int) -> NoticeKind:
    kind = _KIND_OF_RULE.get(str(explanation.get("rule")))
    return kind if kind is not None and change > 0 else NoticeKind.POINTS_CHANGED
