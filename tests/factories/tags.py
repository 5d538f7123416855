"""Tags for tests."""

from datetime import UTC, datetime
from itertools import count

from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.tags import queries, service

MARKETER = Actor("staff:7")
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_serial = count(1)


def make_tag(session: Session, *, name: str = "", is_archived: bool = False) -> int:
    """A tag, with a name of its own unless one is given."""
    tag_id = service.create_tag(session, name=name or f"标签 {next(_serial)}", actor=MARKETER, at=_AT)
    if is_archived:
        service.archive_tag(session, tag_id=tag_id, actor=MARKETER, at=_AT)
    return tag_id


def put_tag(session: Session, tag_id: int, *member_ids: int) -> None:
    """Put a tag on members."""
    for member_id in member_ids:
        service.tag_member(session, tag_id=tag_id, member_id=member_id, actor=MARKETER, at=_AT)


def tags_of(session: Session, member_id: int) -> set[int]:
    """The ids of the tags that a member has."""
    return {one.tag_id for one in queries.list_member_tags(session, member_id=member_id)}
