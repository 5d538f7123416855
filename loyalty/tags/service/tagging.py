"""Tagging (打标签) one member, and taking the tag away; what changes nothing is not audited.

The tag is locked before the members, and these by ascending id.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.members.queries import HOLDING, lock_members
from loyalty.members.rules.members import MemberGone, MemberNotFound
from loyalty.tags.models import MemberTag
from loyalty.tags.rules.tags import TagArchived
from loyalty.tags.service.vocabulary import locked_tag


def tag_member(session: Session, *, tag_id: int, member_id: int, actor: Actor, at: datetime) -> bool:
    """Put a tag on a member, a provisional one included; tell whether it was not there before.

    Raises:
        TagNotFound: there is no such tag.
        TagArchived: it is put on nobody any more.
        MemberNotFound: there is no such member.
        MemberGone: closed, or merged into another.
    """
    check_usable(session, tag_id=tag_id)
    member = lock_members(session, member_ids=[member_id]).get(member_id)
    if member is None:
        raise MemberNotFound(member_id=member_id)
    if member.status not in HOLDING:
        raise MemberGone(member_id=member_id)
    is_new = bool(put(session, tag_id=tag_id, member_ids=[member_id], actor=actor, at=at))
    if is_new:
        _audit(session, "tags.tag_member", tag_id, member_id, actor, at)
    return is_new


def untag_member(session: Session, *, tag_id: int, member_id: int, actor: Actor, at: datetime) -> bool:
    """Take a tag, which may be archived, from a member; tell whether it was there before.

    Raises:
        TagNotFound: there is no such tag.
    """
    locked_tag(session, tag_id=tag_id, is_shared=True)
    was_there = bool(take(session, tag_id=tag_id, member_ids=[member_id]))
    if was_there:
        _audit(session, "tags.untag_member", tag_id, member_id, actor, at)
    return was_there


def check_usable(session: Session, *, tag_id: int) -> None:
    """Refuse a tag that may not be put on members, and keep one so until the transaction ends that may.

    Raises:
        TagNotFound: there is no such tag.
        TagArchived: it is put on nobody any more.
    """
    if locked_tag(session, tag_id=tag_id, is_shared=True).is_archived:
        raise TagArchived(tag_id=tag_id)


def put(session: Session, *, tag_id: int, member_ids: Collection[int], actor: Actor, at: datetime) -> Sequence[int]:
    """Put a tag on members that the caller holds; return those who did not have it."""
    rows = [
        {"member_id": member_id, "tag_id": tag_id, "tagged_at": at, "tagged_by": actor.name}
        for member_id in sorted(member_ids)
    ]
    added = insert(MemberTag).values(rows).on_conflict_do_nothing(index_elements=["member_id", "tag_id"])
    return session.scalars(added.returning(MemberTag.member_id)).all()


def take(session: Session, *, tag_id: int, member_ids: Collection[int]) -> Sequence[int]:
    """Take a tag from members; return those who had it."""
    return session.scalars(
        delete(MemberTag)
        .where(MemberTag.tag_id == tag_id, MemberTag.member_id.in_(member_ids))
        .returning(MemberTag.member_id)
        .execution_options(synchronize_session=False)
    ).all()


def _audit(session: Session, action: str, tag_id: int, member_id: int, actor: Actor, at: datetime) -> None:
    subject, after = f"member:{member_id}", {"tag_id": tag_id}
    audit.write(session, actor=actor, action=action, subject=subject, after=after, at=at)
