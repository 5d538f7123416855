"""One adjustment by one person, within what one person may move alone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.adjustments.rules.single import Reason, check_expiry, check_single
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date, end_of
from loyalty.kernel.database import Json
from loyalty.members import queries as members
from loyalty.points import service as points
from loyalty.points.service import Posting


def adjust_one(
    session: Session,
    *,
    member_id: int,
    change: int,
    reason: Reason,
    key: str,
    expires_on: date | None,
    zone: ZoneInfo,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Give points to a member by hand (人工调整), or take them when ``change`` is negative.

    The same ``key`` again, as from a form sent twice, moves nothing. What is given lives to the end of
    ``expires_on``, or for ever.

    Raises:
        AdjustmentTooLarge: more than one person may move alone.
        InvalidAdjustmentExpiry: ``expires_on`` is past or absurdly late.
        MemberNotFound, MemberGone, MemberProvisional: there is nobody to give to or take from.
        InvalidPoints: zero.
        InsufficientPoints: less is available than is to be taken.
    """
    check_single(change)
    check_expiry(expires_on, today=business_date(at, zone))
    members.require_living(session, member_id=member_id)
    posting = points.adjust(
        session,
        member_id=member_id,
        points=change,
        reference=f"adjustment-single:{key}",
        explanation={"rule": "adjustment", "reason": reason},
        at=at,
        actor=actor.name,
        expires_at=end_of(expires_on, zone) if expires_on is not None and change > 0 else None,
    )
    if not posting.is_replay:
        _audit(session, member_id, {"points": change, "reason": reason, "entry_id": posting.entry_id}, actor, at)
    return posting


def _audit(session: Session, member_id: int, told: Json, actor: Actor, at: datetime) -> None:
    audit.write(session, actor=actor, action="adjustments.adjust", subject=f"member:{member_id}", after=told, at=at)
