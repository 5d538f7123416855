"""Members: masked views for the doors, and rows for whoever changes them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BindParameter, ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from loyalty.kernel.codes import mask_phone
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberProvisional, MemberStatus

LIVING = (MemberStatus.ACTIVE, MemberStatus.CLOSING)
"""Members whose person has come and consented."""
HOLDING = (*LIVING, MemberStatus.PROVISIONAL)
"""Members who hold their phone and earn."""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as doors show one: the phone masked, nothing sealed."""

    id: int
    number: str
    status: MemberStatus
    phone_masked: str | None
    nickname: str | None
    birthday: date | None
    enrolled_at: datetime
    enrolled_store_id: int | None
    last_active_at: datetime
    merged_into_id: int | None


def get_member(session: Session, *, vault: Vault, member_id: int) -> MemberView:
    """Return a member, merged and closed ones included.

    Raises:
        MemberNotFound: there is none with this id.
    """
    member = session.get(Member, member_id)
    if member is None:
        raise MemberNotFound(member_id=member_id)
    return read_member(member, vault)


def find_by_phone(session: Session, *, vault: Vault, phone: str) -> MemberView | None:
    """Return the holder of a phone in E.164."""
    return _find(session, vault, Member.phone_index == vault.index(phone, context="members.phone"))


def find_by_number(session: Session, *, vault: Vault, number: str) -> MemberView | None:
    """Return the member with a member number (会员号)."""
    return _find(session, vault, Member.number == number)


def numbers(session: Session, member_ids: Collection[int]) -> dict[int, str]:
    """Return the numbers (会员号) of some members by id."""
    rows = session.execute(select(Member.id, Member.number).where(Member.id.in_(member_ids)))
    return {row.id: row.number for row in rows}


def list_members(
    session: Session,
    *,
    vault: Vault,
    store_ids: Collection[int] | None = None,
    status: MemberStatus | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[MemberView]:
    """Return members newest first; ``store_ids`` keeps those enrolled at these stores."""
    query = select(Member).order_by(Member.id.desc()).limit(limit + 1)
    if store_ids is not None:
        query = query.where(Member.enrolled_store_id.in_(store_ids))
    if status is not None:
        query = query.where(Member.status == status)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Member.id < last_id)
    views = [read_member(member, vault) for member in session.scalars(query)]
    return page_of(views, limit=limit, id_of=lambda view: view.id)


def require_living(session: Session, *, member_id: int) -> Member:
    """Return and lock a member that is neither closed nor merged.

    Raises:
        MemberNotFound: there is none with this id.
        MemberGone: closed, or merged into another.
        MemberProvisional: the person has not come yet.
    """
    member = lock_members(session, member_ids=[member_id]).get(member_id)
    check_living(member_id, None if member is None else member.status)
    assert member is not None
    return member


def check_can_spend(session: Session, *, member_id: int) -> None:
    """Refuse whoever may not spend points: ask before every hold and every spend that a store or partner reports.

    Raises:
        MemberNotFound: there is none with this id.
        MemberGone: closed, or merged into another.
        MemberProvisional: the person has not bound the phone and consented yet.
    """
    check_living(member_id, session.scalar(select(Member.status).where(Member.id == member_id)))


def check_living(member_id: int, status: str | None) -> None:
    """Refuse whoever is not a living member; there is no status of somebody who does not exist.

    Raises:
        MemberNotFound: there is none with this id.
        MemberGone: closed, or merged into another.
        MemberProvisional: the person has not come yet.
    """
    if status is None:
        raise MemberNotFound(member_id=member_id)
    if status == MemberStatus.PROVISIONAL:
        raise MemberProvisional(member_id=member_id)
    if status not in LIVING:
        raise MemberGone(member_id=member_id)


def lock_members(session: Session, *, member_ids: Collection[int]) -> dict[int, Member]:
    """Lock members in the order of their ids, and return them as they are now."""
    members = session.scalars(
        select(Member)
        .where(Member.id.in_(member_ids))
        .order_by(Member.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {member.id: member for member in members}


def family_of(session: Session, *, member_id: int) -> Sequence[int]:
    """Return the ids of a member and of all that were merged into it; history is read by these."""
    merged = select(Member.id).where(Member.merged_into_id == member_id).order_by(Member.id)
    return [member_id, *session.scalars(merged)]


def family_ids(member_id: int | BindParameter[int]) -> Select[int]:
    """Select the same for a statement that reads history by it."""
    return select(Member.id).where(or_(Member.id == member_id, Member.merged_into_id == member_id))


def survivor_of(session: Session, *, member_id: int) -> int:
    """Return the member who a merged one was merged into; a member that was not is its own survivor."""
    merged_into_id = session.scalar(select(Member.merged_into_id).where(Member.id == member_id))
    return member_id if merged_into_id is None else merged_into_id


def lock_bearer(session: Session, *, member_id: int) -> Member | None:
    """Hold a member, or whoever it was merged into, until the transaction ends; None when nobody is left of it.

    No merge, closing or erasure comes between what the caller does next.
    """
    member = lock_members(session, member_ids=[member_id]).get(member_id)
    if member is not None and member.merged_into_id is not None:
        return lock_bearer(session, member_id=member.merged_into_id)
    return member if member is not None and member.status in HOLDING else None


def find_holder(session: Session, *, phone_index: bytes) -> Member | None:
    """Return the member who holds a phone, a provisional one included, by its blind index."""
    return session.scalar(select(Member).where(Member.phone_index == phone_index, Member.status.in_(HOLDING)))


def read_member(member: Member | AnyRow, vault: Vault) -> MemberView:
    """Open what a member's row holds, also where a larger statement took its columns along."""

    def opened(sealed: bytes | None, context: str) -> str | None:
        return None if sealed is None else vault.open(sealed, context=context)

    phone = opened(member.phone_sealed, "members.phone")
    birthday = opened(member.birthday_sealed, "members.birthday")
    return MemberView(
        id=member.id,
        number=member.number,
        status=MemberStatus(member.status),
        phone_masked=None if phone is None else mask_phone(phone),
        nickname=opened(member.nickname_sealed, "members.nickname"),
        birthday=None if birthday is None else date.fromisoformat(birthday),
        enrolled_at=member.enrolled_at,
        enrolled_store_id=member.enrolled_store_id,
        last_active_at=member.last_active_at,
        merged_into_id=member.merged_into_id,
    )


def _find(session: Session, vault: Vault, condition: ColumnElement[bool]) -> MemberView | None:
    member = session.scalar(select(Member).where(condition))
    return None if member is None else read_member(member, vault)
