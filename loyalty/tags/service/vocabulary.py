"""The list of tags: made, renamed, archived (停用) and taken back into use, never deleted; every change is audited."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.tags.models import Tag
from loyalty.tags.rules.tags import IN_USE_MAX, TagNameTaken, TagNotFound, TooManyTags, check_details


def create_tag(session: Session, *, name: str, note: str | None = None, actor: Actor, at: datetime) -> int:
    """Make a tag; return its id.

    Raises:
        InvalidTag: the name or the note does not fit.
        TagNameTaken: there is one of this name.
        TooManyTags: as many are in use as may be.
    """
    name, note = _cleaned(name, note)
    check_details(name=name, note=note)
    _check_room(session)
    tag_id: int | None = session.scalar(
        insert(Tag)
        .values(name=name, note=note, created_at=at)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(Tag.id)
    )
    if tag_id is None:
        raise TagNameTaken(name=name)
    _audit(session, "tags.create", locked_tag(session, tag_id=tag_id), None, actor, at)
    return tag_id


def rename_tag(session: Session, *, tag_id: int, name: str, note: str | None, actor: Actor, at: datetime) -> None:
    """Give a tag another name and note; who has it, and what refers to it, stays.

    Raises:
        TagNotFound: there is no such tag.
        InvalidTag: the name or the note does not fit.
        TagNameTaken: another one has this name.
    """
    name, note = _cleaned(name, note)
    check_details(name=name, note=note)
    tag = locked_tag(session, tag_id=tag_id)
    before = _picture(tag)
    if session.scalar(select(Tag.id).where(Tag.name == name, Tag.id != tag_id)) is not None:
        raise TagNameTaken(name=name)
    tag.name, tag.note = name, note
    try:
        session.flush()
    except IntegrityError as error:  # somebody else took the name at the same moment; the transaction is lost
        raise TagNameTaken(name=name) from error
    if _picture(tag) != before:
        _audit(session, "tags.rename", tag, before, actor, at)


def archive_tag(session: Session, *, tag_id: int, actor: Actor, at: datetime) -> None:
    """Put a tag on nobody any more (停用). Who has it keeps it, and rules that name it go on. Twice equals once.

    Raises:
        TagNotFound: there is no such tag.
    """
    _set_archived(session, tag_id, True, "tags.archive", actor, at)


def restore_tag(session: Session, *, tag_id: int, actor: Actor, at: datetime) -> None:
    """Take an archived tag back into use. Twice equals once.

    Raises:
        TagNotFound: there is no such tag.
        TooManyTags: as many are in use as may be.
    """
    _set_archived(session, tag_id, False, "tags.restore", actor, at)


def locked_tag(session: Session, *, tag_id: int, is_shared: bool = False) -> Tag:
    """Lock a tag until the transaction ends; shared, others may put it on members meanwhile and nobody may change it.

    Raises:
        TagNotFound: there is no such tag.
    """
    query = select(Tag).where(Tag.id == tag_id).with_for_update(read=is_shared, key_share=not is_shared)
    tag = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if tag is None:
        raise TagNotFound(tag_id=tag_id)
    return tag


def _set_archived(session: Session, tag_id: int, is_archived: bool, action: str, actor: Actor, at: datetime) -> None:
    tag = locked_tag(session, tag_id=tag_id)
    if tag.is_archived == is_archived:
        return
    if not is_archived:
        _check_room(session)
    before = _picture(tag)
    tag.is_archived = is_archived
    session.flush()
    _audit(session, action, tag, before, actor, at)


def _check_room(session: Session) -> None:
    in_use = session.scalar(select(func.count()).select_from(Tag).where(~Tag.is_archived))
    if in_use is not None and in_use >= IN_USE_MAX:
        raise TooManyTags


def _cleaned(name: str, note: str | None) -> tuple[str, str | None]:
    return name.strip(), (note or "").strip() or None


def _picture(tag: Tag) -> Json:
    return {"name": tag.name, "note": tag.note, "is_archived": tag.is_archived}


def _audit(session: Session, action: str, tag: Tag, before: Json | None, actor: Actor, at: datetime) -> None:
    audit.write(session, actor=actor, action=action, subject=f"tag:{tag.id}", before=before, after=_picture(tag), at=at)
