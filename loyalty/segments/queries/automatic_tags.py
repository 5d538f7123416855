"""Tags that follow segments, and how far they have come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel import bulk
from loyalty.kernel.bulk import Progress
from loyalty.segments.models import AutomaticTag


@dataclass(frozen=True, slots=True)
class AutomaticTagView:
    """A tag that follows a segment, and how far it has come the last time."""

    tag_id: int
    segment_id: int
    started_by: str
    started_at: datetime
    progress: Progress | None


def list_automatic_tags(session: Session, *, segment_id: int | None = None) -> Sequence[AutomaticTagView]:
    """Return the tags that follow segments, or one segment."""
    query = select(AutomaticTag).order_by(AutomaticTag.tag_id).execution_options(populate_existing=True)
    if segment_id is not None:
        query = query.where(AutomaticTag.segment_id == segment_id)
    return [
        AutomaticTagView(
            tag_id=row.tag_id,
            segment_id=row.segment_id,
            started_by=row.started_by,
            started_at=row.started_at,
            progress=None if row.run_id is None else _progress(session, row.run_id),
        )
        for row in session.scalars(query)
    ]


def _progress(session: Session, run_id: int) -> Progress | None:
    run = bulk.get_run(session, run_id=run_id)
    return bulk.find_progress(session, kind=run.kind, subject=run.subject)
