"""Saving segments: each change of the condition is a revision of its own; every change is audited."""

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.checking import is_tidy
from loyalty.segments.models import AutomaticTag, Segment, SegmentRevision
from loyalty.segments.rules.conditions import Condition, dump
from loyalty.segments.rules.errors import (
    InvalidSegmentTitle,
    SegmentArchived,
    SegmentChanged,
    SegmentKeepsTags,
    SegmentNotFound,
    SegmentTitleTaken,
)
from loyalty.segments.rules.works import subject_of

TITLE_LENGTH_MAX = 40


def save_segment(
    session: Session,
    *,
    title: str,
    condition: Condition,
    segment_id: int | None = None,
    number: int | None = None,
    actor: Actor,
    at: datetime,
) -> int:
    """Save a new segment, or another title and condition of one; return its id.

    ``number`` is the revision that the editor began with. The same condition again makes no revision.

    Raises:
        InvalidSegmentTitle: the title is empty, too long, or cannot be printed.
        SegmentTitleTaken: another segment in use has it.
        SegmentNotFound: there is no such segment.
        SegmentArchived: it is out of use.
        SegmentChanged: somebody else saved it meanwhile.
    """
    title = title.strip()
    if not is_tidy(title, TITLE_LENGTH_MAX):
        raise InvalidSegmentTitle
    segment = _new(session, title, actor, at) if segment_id is None else lock_segment(session, segment_id=segment_id)
    known = None if segment.revision_id is None else session.get_one(SegmentRevision, segment.revision_id)
    if known is not None and number not in (None, known.number):
        raise SegmentChanged(number=known.number)
    before = None if known is None else {"title": segment.title, "condition": known.condition}
    segment.title = title
    if known is None or known.condition != dump(condition):
        segment.revision_id = _revise(
            session, segment.id, 1 if known is None else known.number + 1, condition, actor, at
        )
    _flush(session, title)
    after = {"title": title, "condition": dump(condition)}
    if before != after:
        subject = subject_of(segment.id)
        audit.write(session, actor=actor, action="segments.save", subject=subject, before=before, after=after, at=at)
    return segment.id


def archive_segment(session: Session, *, segment_id: int, actor: Actor, at: datetime) -> None:
    """Take a segment out of use; what was made from it stays.

    Raises:
        SegmentNotFound: there is no such segment.
        SegmentArchived: it is out of use already.
        SegmentKeepsTags: tags follow it.
    """
    segment = lock_segment(session, segment_id=segment_id)
    if session.scalar(select(AutomaticTag.tag_id).where(AutomaticTag.segment_id == segment_id).limit(1)) is not None:
        raise SegmentKeepsTags(segment_id=segment_id)
    segment.is_archived = True
    session.flush()
    audit.write(session, actor=actor, action="segments.archive", subject=subject_of(segment_id), at=at)


def lock_segment(session: Session, *, segment_id: int) -> Segment:
    """Hold a segment in use until the transaction ends.

    Raises:
        SegmentNotFound: there is no such segment.
        SegmentArchived: it is out of use.
    """
    segment = session.get(Segment, segment_id, with_for_update={"key_share": True}, populate_existing=True)
    if segment is None:
        raise SegmentNotFound(segment_id=segment_id)
    if segment.is_archived:
        raise SegmentArchived(segment_id=segment_id)
    return segment


def _new(session: Session, title: str, actor: Actor, at: datetime) -> Segment:
    segment = Segment(title=title, created_by=actor.name, created_at=at)
    session.add(segment)
    _flush(session, title)
    return segment


def _revise(session: Session, segment_id: int, number: int, condition: Condition, actor: Actor, at: datetime) -> int:
    made = insert(SegmentRevision).values(
        segment_id=segment_id, number=number, condition=dump(condition), made_by=actor.name, made_at=at
    )
    return session.execute(made.returning(SegmentRevision.id)).scalar_one()


def _flush(session: Session, title: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:  # the transaction is lost
        raise SegmentTitleTaken(title=title) from error
