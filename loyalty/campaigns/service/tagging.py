"""Tags (标签) of a campaign: put on a page of members, and taken away only where the campaign itself put them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, any_, bindparam, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.arrays import SentArray
from loyalty.points.posting import table_of
from loyalty.tags.models import MemberTag, Tag

TAGS = table_of(MemberTag)
_MEMBERS: Any = bindparam("given_member_ids", type_=SentArray(BigInteger()))


def usable_tags(session: Session, tag_ids: Sequence[int]) -> frozenset[int]:
    """Return which tags may be put on members; they stay so until the transaction ends."""
    if not tag_ids:
        return frozenset()
    usable = select(Tag.id).where(Tag.id.in_(tag_ids), ~Tag.is_archived).order_by(Tag.id)
    return frozenset(session.scalars(usable.with_for_update(read=True)))


def put_tag(session: Session, *, tag_id: int, member_ids: Sequence[int], by: str, at: datetime) -> None:
    """Put a tag on members whom the caller holds; who has it keeps it as it is."""
    member = func.unnest(_MEMBERS).column_valued("member_id")
    rows = select(member, literal(tag_id, BigInteger), literal(at), literal(by))
    put = insert(TAGS).from_select(["member_id", "tag_id", "tagged_at", "tagged_by"], rows)
    session.execute(
        put.on_conflict_do_nothing(index_elements=["member_id", "tag_id"]), {"given_member_ids": list(member_ids)}
    )


def take_tags(session: Session, *, tag_ids: Sequence[int], member_ids: Sequence[int], by: str) -> Sequence[int]:
    """Take those tags from members that this very campaign put on them; return from whom, once for each tag."""
    return session.scalars(
        delete(TAGS)
        .where(TAGS.c.tag_id.in_(tag_ids), TAGS.c.tagged_by == by, TAGS.c.member_id == any_(_MEMBERS))
        .returning(TAGS.c.member_id),
        {"given_member_ids": list(member_ids)},
    ).all()
