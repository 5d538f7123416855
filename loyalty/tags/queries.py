"""Reads of tags: the list of them, who has one, and which a member has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.queries import HOLDING, MemberView, read_member
from loyalty.tags.models import MemberTag, Tag
from loyalty.tags.rules.tags import TagNotFound

TAG_IDS = (
    select(func.array_agg(MemberTag.tag_id))
    .where(MemberTag.member_id == bindparam("member_id", type_=BigInteger))
    .scalar_subquery()
    .label("tag_ids")
)
"""The ids of the tags of ``member_id``, empty without any, for a statement to take along."""


@dataclass(frozen=True, slots=True)
class TagView:
    """A tag as lists show it."""

    id: int
    name: str
    note: str | None
    is_archived: bool
    created_at: datetime
    members: int
    """How many have it, of those whom the reader may see."""


@dataclass(frozen=True, slots=True)
class MemberTagView:
    """A tag that a member has."""

    tag_id: int
    name: str
    is_archived: bool
    tagged_at: datetime
    tagged_by: str


@dataclass(frozen=True, slots=True)
class TaggedMember:
    """A member who has a tag, since when and by whom."""

    member: MemberView
    tagged_at: datetime
    tagged_by: str


def members_of_tag(session: Session, *, tag_id: int, after_id: int = 0, limit: int = 500) -> Sequence[int]:
    """Return who has a tag and holds their phone, by ascending id after ``after_id``, for jobs to go through."""
    query = select(MemberTag.member_id).join(Member, Member.id == MemberTag.member_id)
    query = query.where(MemberTag.tag_id == tag_id, MemberTag.member_id > after_id, Member.status.in_(HOLDING))
    return session.scalars(query.order_by(MemberTag.member_id).limit(limit)).all()


def names(session: Session, tag_ids: Collection[int] | None = None) -> dict[int, str]:
    """Return the names of some tags, or of all, by id; archived ones have theirs, what does not exist has none."""
    query = select(Tag.id, Tag.name)
    if tag_ids is not None:
        query = query.where(Tag.id.in_(tag_ids))
    return {row.id: row.name for row in session.execute(query)}


def get_tag(session: Session, *, tag_id: int, store_ids: Collection[int] | None = None) -> TagView:
    """Return one tag; ``store_ids`` counts those enrolled at these stores.

    Raises:
        TagNotFound: there is no such tag.
    """
    row = session.execute(_tags(store_ids).where(Tag.id == tag_id)).one_or_none()
    if row is None:
        raise TagNotFound(tag_id=tag_id)
    return TagView(*row)


def list_tags(
    session: Session,
    *,
    text: str = "",
    is_archived: bool | None = None,
    store_ids: Collection[int] | None = None,
) -> Sequence[TagView]:
    """Return tags by name, narrowed by a part of it or by being archived; ``store_ids`` as ``get_tag``."""
    query = _tags(store_ids).order_by(Tag.name)
    if text:
        query = query.where(Tag.name.icontains(text, autoescape=True))
    if is_archived is not None:
        query = query.where(Tag.is_archived.is_(is_archived))
    return [TagView(*row) for row in session.execute(query)]


def list_choices(session: Session, *, beside: Collection[int] = ()) -> dict[int, str]:
    """Return the names of the tags that may be chosen: those in use, and what was chosen already."""
    query = select(Tag.id, Tag.name).where(~Tag.is_archived | Tag.id.in_(beside)).order_by(Tag.name)
    return {row.id: row.name for row in session.execute(query)}


def list_member_tags(session: Session, *, member_id: int) -> Sequence[MemberTagView]:
    """Return the tags that a member has, by name."""
    query = (
        select(Tag.id, Tag.name, Tag.is_archived, MemberTag.tagged_at, MemberTag.tagged_by)
        .join(MemberTag, MemberTag.tag_id == Tag.id)
        .where(MemberTag.member_id == member_id)
        .order_by(Tag.name)
    )
    return [MemberTagView(*row) for row in session.execute(query)]


def list_tagged(
    session: Session,
    *,
    vault: Vault,
    tag_id: int,
    store_ids: Collection[int] | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[TaggedMember]:
    """Return who has a tag, the newest members first; ``store_ids`` keeps those enrolled at these stores."""
    query = (
        select(Member, MemberTag.tagged_at, MemberTag.tagged_by)
        .join(MemberTag, MemberTag.member_id == Member.id)
        .where(MemberTag.tag_id == tag_id, Member.status.in_(HOLDING))
        .order_by(MemberTag.member_id.desc())
        .limit(limit + 1)
    )
    if store_ids is not None:
        query = query.where(Member.enrolled_store_id.in_(store_ids))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(MemberTag.member_id < last_id)
    rows = session.execute(query)
    tagged = [TaggedMember(read_member(member, vault), tagged_at, by) for member, tagged_at, by in rows]
    return page_of(tagged, limit=limit, id_of=lambda one: one.member.id)


def _tags(store_ids: Collection[int] | None) -> Select[int, str, str | None, bool, datetime, int]:
    return select(Tag.id, Tag.name, Tag.note, Tag.is_archived, Tag.created_at, _members(store_ids).label("members"))


def _members(store_ids: Collection[int] | None) -> ColumnElement[int]:
    """Count who has a tag. The erased have none, so only the few merged members have to be left out."""
    counted = select(func.count()).select_from(MemberTag).where(MemberTag.tag_id == Tag.id).correlate(Tag)
    if store_ids is not None:
        counted = counted.join(Member, Member.id == MemberTag.member_id)
        counted = counted.where(Member.enrolled_store_id.in_(store_ids), Member.merged_into_id.is_(None))
        return counted.scalar_subquery()
    merged = select(Member.id).where(Member.id == MemberTag.member_id, Member.merged_into_id.is_not(None))
    return counted.where(~merged.exists()).scalar_subquery()
