"""Segments as they were saved, and what they asked over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.segments.models import Segment, SegmentRevision
from loyalty.segments.rules.conditions import Condition, parse
from loyalty.segments.rules.errors import SegmentNotFound


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment with its last revision, or one of those before."""

    id: int
    title: str
    revision_id: int
    number: int
    condition: Condition
    is_archived: bool
    made_by: str
    made_at: datetime
    """When the revision was saved, and by whom."""


_COLUMNS = (
    Segment.id,
    Segment.title,
    SegmentRevision.id.label("revision_id"),
    SegmentRevision.number,
    SegmentRevision.condition,
    Segment.is_archived,
    SegmentRevision.made_by,
    SegmentRevision.made_at,
)
_SEGMENTS = select(*_COLUMNS).join(SegmentRevision, SegmentRevision.id == Segment.revision_id)


def get_segment(session: Session, *, segment_id: int) -> SegmentView:
    """Return a segment.

    Raises:
        SegmentNotFound: there is no such segment.
    """
    row = session.execute(_SEGMENTS.where(Segment.id == segment_id)).one_or_none()
    if row is None:
        raise SegmentNotFound(segment_id=segment_id)
    return _segment(row)


def list_segments(session: Session, *, text: str = "", is_archived: bool = False) -> Sequence[SegmentView]:
    """Return the segments in use, or those archived, the last saved first, narrowed by a part of the title."""
    query = _SEGMENTS.where(Segment.is_archived.is_(is_archived)).order_by(SegmentRevision.id.desc())
    if text:
        query = query.where(Segment.title.icontains(text, autoescape=True))
    return [_segment(row) for row in session.execute(query)]


def list_revisions(session: Session, *, segment_id: int) -> Sequence[SegmentView]:
    """Return what a segment has asked over time, the last first."""
    revisions = (
        select(*_COLUMNS)
        .join(SegmentRevision, SegmentRevision.segment_id == Segment.id)
        .where(Segment.id == segment_id)
        .order_by(SegmentRevision.number.desc())
    )
    return [_segment(row) for row in session.execute(revisions)]


def _segment(row: Any) -> SegmentView:
    columns = row._asdict()
    return SegmentView(**columns | {"condition": parse(columns["condition"])})
