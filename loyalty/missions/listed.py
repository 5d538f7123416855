"""Missions for the console: all of them as they stand, and the revisions of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page, decode_cursor, page_of
from loyalty.missions.models import Mission, MissionRevision
from loyalty.missions.rules.errors import MissionNotFound
from loyalty.missions.rules.terms import MissionEvent, MissionState, Terms
from loyalty.missions.running import read_terms

_PUBLISHED, _DRAFT = aliased(MissionRevision), aliased(MissionRevision)


@dataclass(frozen=True, slots=True)
class MissionListed:
    """A mission as it stands; it has a published revision, a draft or both."""

    id: int
    state: MissionState
    published: Terms | None
    draft: Terms | None
    opened_at: datetime | None
    stopped_at: datetime | None
    created_by: str
    created_at: datetime

    @property
    def terms(self) -> Terms:
        """What the mission says: as published, or else as drafted."""
        terms = self.published or self.draft
        assert terms is not None, "a mission without a draft was published"
        return terms


@dataclass(frozen=True, slots=True)
class RevisionListed:
    """One revision; the draft has not been published."""

    number: int
    terms: Terms
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None


def list_missions(
    session: Session,
    *,
    state: MissionState | None = None,
    event: MissionEvent | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[MissionListed]:
    """Return a page of missions, the newest first; ``text`` is a part of the title.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    size, query = max(1, min(limit, PAGE_SIZE_MAX)), _LISTED.order_by(Mission.id.desc())
    if state is not None:
        query = query.where(Mission.state == state)
    if event is not None:
        query = query.where(Mission.event == event)
    if text:
        title = func.coalesce(_PUBLISHED.terms["title"].as_string(), _DRAFT.terms["title"].as_string())
        query = query.where(title.icontains(text, autoescape=True))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Mission.id < last_id)
    rows = [_listed(row) for row in session.execute(query.limit(size + 1))]
    return page_of(rows, limit=size, id_of=lambda one: one.id)


def get_mission(session: Session, *, mission_id: int) -> MissionListed:
    """Return a mission as it stands.

    Raises:
        MissionNotFound: there is none of this id.
    """
    row = session.execute(_LISTED.where(Mission.id == mission_id)).one_or_none()
    if row is None:
        raise MissionNotFound(mission_id=mission_id)
    return _listed(row)


def list_revisions(session: Session, *, mission_id: int) -> Sequence[RevisionListed]:
    """Return all revisions of a mission, the latest first."""
    row = MissionRevision
    query = select(
        row.number, cast(row.terms, Text), row.created_by, row.created_at, row.published_by, row.published_at
    ).where(row.mission_id == mission_id)
    rows = session.execute(query.order_by(row.number.desc()))
    return [_revision(one) for one in rows]


_LISTED: Any = (
    select(
        Mission.id,
        Mission.state,
        cast(_PUBLISHED.terms, Text).label("published"),
        cast(_DRAFT.terms, Text).label("draft"),
        Mission.opened_at,
        Mission.stopped_at,
        Mission.created_by,
        Mission.created_at,
    )
    .outerjoin(_PUBLISHED, _PUBLISHED.id == Mission.revision_id)
    .outerjoin(_DRAFT, (_DRAFT.mission_id == Mission.id) & _DRAFT.published_at.is_(None))
)


def _listed(row: AnyRow) -> MissionListed:
    mission_id, state, published, draft, *rest = row
    return MissionListed(mission_id, MissionState(state), _read(published), _read(draft), *rest)


def _revision(row: AnyRow) -> RevisionListed:
    number, terms, *rest = row
    return RevisionListed(number, read_terms(terms), *rest)


def _read(text: str | None) -> Terms | None:
    return None if text is None else read_terms(text)
