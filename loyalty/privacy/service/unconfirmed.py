"""Provisional members (待确认会员) whose person never came: erased, and what they earned taken off the books."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import lock_members
from loyalty.members.rules.members import MemberStatus
from loyalty.points import service as points
from loyalty.points.models import Lot
from loyalty.points.rules import Shortfall
from loyalty.privacy.belongings import person_of
from loyalty.privacy.service.erasure import forget

ACTOR = Actor("system:erase_unconfirmed_members")


def erase_unconfirmed(session: Session, *, vault: Vault, zone: ZoneInfo, at: datetime, limit: int = 20) -> int:
    """Erase members that nobody confirmed in time; return how many of a page, zero when there are no more.

    Nothing they earned could be spent, so each entry with points left is reversed in full, pending ones included.
    """
    due = session.scalars(
        select(Member.id)
        .where(Member.provisional_until_at <= at)
        .order_by(Member.provisional_until_at, Member.id)
        .limit(limit)
    ).all()
    locked = lock_members(session, member_ids=due)
    # Whoever came a moment ago is a member in full now.
    unconfirmed = [one.id for one in locked.values() if one.status == MemberStatus.PROVISIONAL]
    for member_id in sorted(unconfirmed):
        _reverse_points(session, member_id, zone, at)
        person = person_of(session, member_id=member_id)
        forget(session, member_id=member_id, person=person, vault=vault, actor=ACTOR, at=at)
    return len(unconfirmed)


def _reverse_points(session: Session, member_id: int, zone: ZoneInfo, at: datetime) -> None:
    earned = select(Lot.entry_id).where(Lot.member_id == member_id, Lot.remaining > 0).order_by(Lot.entry_id)
    for entry_id in session.scalars(earned.distinct()).all():
        points.reverse(
            session,
            member_id=member_id,
            entry_id=entry_id,
            reference=f"unconfirmed:{entry_id}",
            at=at,
            zone=zone,
            shortfall=Shortfall.CLAMP,
            explanation={"reason": "unconfirmed"},
            actor=ACTOR.name,
        )
