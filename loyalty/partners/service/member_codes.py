"""Taking a member code (会员码): good once, for every till and every clerk; the store knows its member from then on."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.members.rules.member_code import MemberCodeInvalid, read_code
from loyalty.partners.models import MemberEncounter, UsedMemberCode
from loyalty.partners.rules.references import MemberCodeUsed


def take_code(session: Session, *, code_key: bytes, code: str, store_id: int, at: datetime) -> int:
    """Return whose code this is, the survivor after a merge; nobody can use the code again.

    Raises:
        MemberCodeInvalid: not made by us, too old, or its member is no longer one.
        MemberCodeUsed: the code was taken before.
    """
    member_id = living(session, read_code(code_key, code, at))
    if member_id is None:
        raise MemberCodeInvalid
    taken = session.execute(
        insert(UsedMemberCode)
        .values(code=code, member_id=member_id, used_at=at)
        .on_conflict_do_nothing()
        .returning(UsedMemberCode.code)
    )
    if taken.first() is None:
        raise MemberCodeUsed
    meet(session, member_id=member_id, store_id=store_id, at=at)
    return member_id


def meet(session: Session, *, member_id: int, store_id: int, at: datetime) -> None:
    """Remember that a member showed a code at a store."""
    met = insert(MemberEncounter).values(member_id=member_id, store_id=store_id, first_met_at=at)
    session.execute(met.on_conflict_do_nothing())


def living(session: Session, member_id: int) -> int | None:
    """Return a member, or the survivor of its merge, if it is one that lives."""
    survivor = aliased(Member)
    row = session.execute(
        select(Member.id, Member.status, survivor.id.label("survivor_id"), survivor.status.label("survivor_status"))
        .outerjoin(survivor, survivor.id == Member.merged_into_id)
        .where(Member.id == member_id)
    ).first()
    if row is None or (row.survivor_status or row.status) not in LIVING:
        return None
    return int(row.survivor_id or row.id)
