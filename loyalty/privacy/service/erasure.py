"""Erasure (个人信息删除): after the waiting period nothing is left by which a person could be known.

Rows are deleted or their personal columns emptied, as each table declares; the ledger stays, a
history of a number without a person, and still proves. The member's own key goes too, and with it
whatever was sealed under it in places where nothing is edited.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary, String, Table, cast, delete, literal, null, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from loyalty.channels.service.pushes import forget_pushes
from loyalty.earnings import service as earnings
from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor, AuditEntry
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Identity, Member
from loyalty.members.queries import lock_members
from loyalty.members.rules.members import MemberStatus
from loyalty.payouts.queries import payouts
from loyalty.points import queries as points_queries
from loyalty.points import service as points
from loyalty.privacy.belongings import Person, declared_tables, person_of, personal_columns
from loyalty.privacy.models import Closure
from loyalty.privacy.queries import find_closing

ACTOR = Actor("system:erase_closed_members")


def erase_due(session: Session, *, vault: Vault, at: datetime, limit: int = 20) -> int:
    """Erase the members whose waiting period is over; return how many, a full page means go on.

    To whom money is on its way stays until it has arrived or come back: two days at most.
    """
    waiting = (Closure.taken_back_at.is_(None), Closure.erased_at.is_(None))
    is_paid_out = Closure.member_id.not_in(payouts.members_with_open())
    due = session.scalars(
        select(Closure.member_id)
        .where(Closure.due_at <= at, *waiting, is_paid_out)
        .order_by(Closure.due_at)
        .limit(limit)
    ).all()
    return sum(_erase(session, member_id, vault, at) for member_id in sorted(due))


def _erase(session: Session, member_id: int, vault: Vault, at: datetime) -> bool:
    person = person_of(session, member_id=member_id)
    lock_members(session, member_ids=person.member_ids)
    closure = find_closing(session, member_id=member_id)
    if closure is None or payouts.has_open(session, member_id=member_id):
        return False  # taken back, or a payout asked for, a moment ago
    closure.erased_at = at
    session.flush()
    _forfeit_points(session, member_id, at)
    earnings.forfeit(session, member_id=member_id, reference=f"closing:{member_id}", at=at, actor=ACTOR.name)
    forget(session, member_id=member_id, person=person, vault=vault, actor=ACTOR, at=at)
    return True


def forget(session: Session, *, member_id: int, person: Person, vault: Vault, actor: Actor, at: datetime) -> None:
    """Leave nothing of a person whose members are locked, and close the membership."""
    _forget_pushes(session, person, vault)
    for table in reversed(declared_tables()):
        _erase_rows(session, table, person)
    _forget_addresses(session, person)
    session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(status=MemberStatus.CLOSED, provisional_until_at=None)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()  # rows were changed behind the session's back
    outbox.record(session, "member.closed", {"member_id": member_id}, at=at)
    audit.write(session, actor=actor, action="privacy.erase", subject=f"member:{member_id}", at=at)


def _forfeit_points(session: Session, member_id: int, at: datetime) -> None:
    """Take what could be spent off the books, as the terms announce; the rest expires by itself."""
    points.release_all(session, member_id=member_id, at=at)
    available = points_queries.summary(session, member_id=member_id, at=at).available
    if available > 0:
        points.adjust(
            session,
            member_id=member_id,
            points=-available,
            reference=f"closing:{member_id}",
            explanation={"rule": "adjustment", "reason": "closing"},
            at=at,
            actor=ACTOR.name,
        )


def _forget_pushes(session: Session, person: Person, vault: Vault) -> None:
    identities = session.execute(select(Identity.appid, Identity.openid).where(Identity.id.in_(person.identity_ids)))
    for appid, openid in identities.all():
        forget_pushes(session, vault, appid=appid, openid=openid)


def _erase_rows(session: Session, table: Table, person: Person) -> None:
    rule = table.info["member_data"]["erase"]
    if rule == "delete":
        session.execute(delete(table).where(person.owns(table)))
    elif rule == "anonymise":
        emptied = {column.name: _nothing(table, column) for column in personal_columns(table)}
        session.execute(update(table).where(person.owns(table)).values(emptied))


def _nothing(table: Table, column: Column[Any]) -> Any:
    """Return what a personal column holds afterwards; where NULL is not allowed, something unique."""
    if column.nullable:
        return null()
    if isinstance(column.type, JSONB):
        return {}
    nobody = literal("erased:") + cast(table.c.id, String)
    return cast(nobody, LargeBinary) if isinstance(column.type, LargeBinary) else nobody


def _forget_addresses(session: Session, person: Person) -> None:
    """Empty the network addresses that the person's own acts left in the audit log."""
    names = [f"member:{member_id}" for member_id in person.member_ids]
    names += [f"identity:{identity_id}" for identity_id in person.identity_ids]
    session.execute(
        update(AuditEntry)
        .where(AuditEntry.actor.in_(names))
        .values(ip=None)
        .execution_options(synchronize_session=False)
    )
