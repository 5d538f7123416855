"""Merging members (合并会员): called once both phones are proved and the person agreed.

Merging again changes nothing and tells what the first merge did, so a late or doubled event is safe.
"""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.check_ins import service as check_ins
from loyalty.earnings import service as earnings
from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.limits import service as limits
from loyalty.limits.rules import member_entity
from loyalty.members import queries as members
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberStatus
from loyalty.members.rules.reviews import ClosingMember
from loyalty.members.service.absorption import absorb
from loyalty.merging.moving import move_rows
from loyalty.merging.queries import ACTION, find_merge
from loyalty.merging.rules import Merge, SameMember
from loyalty.missions import service as missions
from loyalty.points import service as points
from loyalty.segments import service as segments
from loyalty.tiers import service as tiers


def merge(session: Session, *, survivor_id: int, other_id: int, actor: Actor, at: datetime) -> Merge:
    """Make one member of two: the other's points, money, growth, check-ins, missions, identities and more move.

    Old ledger entries stay where they are and are read through the survivor. The other is logged out
    everywhere. The audit log keeps the ids of all that moved, under both members.

    Raises:
        SameMember: both are the same.
        MemberNotFound: one of them does not exist.
        MemberGone: one was closed, or merged into somebody else.
        ClosingMember: one waits to be closed.
    """
    if survivor_id == other_id:
        raise SameMember(member_id=other_id)
    found = members.lock_members(session, member_ids=[survivor_id, other_id])
    if len(found) < 2:
        raise MemberNotFound
    survivor, other = found[survivor_id], found[other_id]
    done = find_merge(session, other_id=other_id)
    if done is not None and done.survivor_id == survivor_id:
        return done
    _require_active(survivor, other)
    _wait_for_others(session, other)
    result = _move(session, survivor, other, at)
    _record(session, result, actor, at)
    return result


def _require_active(survivor: Member, other: Member) -> None:
    for member in (survivor, other):
        if member.status == MemberStatus.CLOSING:
            raise ClosingMember(member_id=member.id)
    if survivor.status != MemberStatus.ACTIVE:
        raise MemberGone(member_id=survivor.id)
    if other.status not in (MemberStatus.ACTIVE, MemberStatus.PROVISIONAL):
        raise MemberGone(member_id=other.id)


def _wait_for_others(session: Session, other: Member) -> None:
    """Let all end who write rows of the member who goes: what they take of limits has to move too.

    A row locks the member it refers to until its transaction ends; this lock waits for that one.
    """
    session.refresh(other, with_for_update=True)


def _move(session: Session, survivor: Member, other: Member, at: datetime) -> Merge:
    survivor_id, other_id, reference = survivor.id, other.id, f"merge:{other.id}"
    transfer = points.transfer(session, from_member_id=other_id, to_member_id=survivor_id, reference=reference, at=at)
    tiers.transfer(session, from_member_id=other_id, to_member_id=survivor_id, reference=reference, at=at)
    days = check_ins.transfer(session, from_member_id=other_id, to_member_id=survivor_id)
    earnings.transfer(session, from_member_id=other_id, to_member_id=survivor_id, reference=reference, at=at)
    missions.transfer(session, from_member_id=other_id, to_member_id=survivor_id, at=at)
    absorb(session, survivor=survivor, other=other, at=at)
    moved = move_rows(session, survivor_id=survivor_id, other_id=other_id)
    segments.follow_merge(session, member_ids=[survivor_id, other_id])
    limits.move(session, from_entity=member_entity(other_id), to_entity=member_entity(survivor_id))
    session.expire_all()  # rows were moved behind the session's back
    credited = 0 if transfer is None else transfer.credit.points
    return Merge(survivor_id=survivor_id, other_id=other_id, points=credited, check_ins=days, moved=moved)


def _record(session: Session, result: Merge, actor: Actor, at: datetime) -> None:
    payload = {"survivor_id": result.survivor_id, "other_id": result.other_id}
    outbox.record(session, "member.merged", payload, at=at)
    before = {"member_ids": [result.survivor_id, result.other_id]}
    for member_id in (result.survivor_id, result.other_id):
        audit.write(
            session,
            actor=actor,
            action=ACTION,
            subject=f"member:{member_id}",
            before=before,
            after=asdict(result),
            at=at,
        )
