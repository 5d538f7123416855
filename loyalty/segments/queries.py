"""Reads of segments: how many a condition finds and some of them, what was saved, and who is in a snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from loyalty.kernel import bulk
from loyalty.kernel.bulk import Progress
from loyalty.kernel.crypto import Vault
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.queries import LIVING, MemberView, read_member
from loyalty.segments.matching import members_matching, plan_by_sets
from loyalty.segments.models import (
    AutomaticTag,
    Segment,
    SegmentRevision,
    SegmentSnapshot,
    SegmentSnapshotMember,
)
from loyalty.segments.rules.conditions import Condition, parse
from loyalty.segments.rules.errors import SegmentNotFound, SnapshotNotFound
from loyalty.segments.rules.works import Work, snapshot_subject
from loyalty.stores.rules import EVERYTHING, StoreScope

SAMPLE_SIZE = 10


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment with its last revision."""

    id: int
    title: str
    revision_id: int
    number: int
    condition: Condition
    is_archived: bool
    made_by: str
    made_at: datetime
    """When the last revision was saved, and by whom."""


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """A snapshot, and how far it has come."""

    id: int
    segment_id: int
    number: int
    """Of the revision that it was taken of."""
    taken_at: datetime
    taken_by: str
    members: int
    finished_at: datetime | None
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class AutomaticTagView:
    """A tag that follows a segment, and how far it has come the last time."""

    tag_id: int
    segment_id: int
    started_by: str
    started_at: datetime
    progress: Progress | None


def count(
    session: Session,
    condition: Condition,
    *,
    at: datetime,
    zone: ZoneInfo,
    vault: Vault,
    scope: StoreScope = EVERYTHING,
) -> int:
    """Return how many living members a condition finds; a narrower scope sees those enrolled at its stores."""
    plan_by_sets(session)
    found = _in_scope(members_matching(condition, at=at, zone=zone, vault=vault), scope).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def sample(
    session: Session,
    condition: Condition,
    *,
    at: datetime,
    zone: ZoneInfo,
    vault: Vault,
    scope: StoreScope = EVERYTHING,
    size: int = SAMPLE_SIZE,
) -> Sequence[MemberView]:
    """Return some of the members whom a condition finds, old and new alike, each time the same ones."""
    plan_by_sets(session)
    found = _in_scope(members_matching(condition, at=at, zone=zone, vault=vault), scope)
    chosen = session.scalars(found.order_by(func.hashint8(Member.id)).limit(size)).all()
    rows = session.scalars(select(Member).where(Member.id.in_(chosen)).order_by(Member.id))
    return [read_member(member, vault) for member in rows]


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


def get_snapshot(session: Session, *, snapshot_id: int) -> SnapshotView:
    """Return a snapshot.

    Raises:
        SnapshotNotFound: there is no such snapshot.
    """
    row = session.execute(_SNAPSHOTS.where(SegmentSnapshot.id == snapshot_id)).one_or_none()
    if row is None:
        raise SnapshotNotFound(snapshot_id=snapshot_id)
    return _snapshot(session, row)


def list_snapshots(
    session: Session, *, segment_id: int, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[SnapshotView]:
    """Return a page of the snapshots of a segment, the last first.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    query = _SNAPSHOTS.where(SegmentSnapshot.segment_id == segment_id).order_by(SegmentSnapshot.id.desc())
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(SegmentSnapshot.id < last_id)
    views = [_snapshot(session, row) for row in session.execute(query.limit(limit + 1))]
    return page_of(views, limit=limit, id_of=lambda view: view.id)


def list_snapshot_members(
    session: Session,
    *,
    vault: Vault,
    snapshot_id: int,
    scope: StoreScope = EVERYTHING,
    after_id: int = 0,
    limit: int = 500,
) -> Sequence[MemberView]:
    """Return who is in a snapshot by ascending id after ``after_id``, phones masked, for lists and files.

    Who was closed or merged since is left out; of who is left, a narrower scope sees those enrolled at its stores.
    """
    found = select(SegmentSnapshotMember.member_id).where(
        SegmentSnapshotMember.snapshot_id == snapshot_id, SegmentSnapshotMember.member_id > after_id
    )
    query = select(Member).where(Member.id.in_(found), Member.status.in_(LIVING)).order_by(Member.id).limit(limit)
    if not scope.is_chain_wide:
        query = query.where(Member.enrolled_store_id.in_(scope.store_ids))
    return [read_member(member, vault) for member in session.scalars(query)]


def snapshot_members(snapshot_id: int) -> Select[int]:
    """Select the ids of the members of a snapshot, for statements that rest on it."""
    return select(SegmentSnapshotMember.member_id).where(SegmentSnapshotMember.snapshot_id == snapshot_id)


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
_SNAPSHOTS = select(SegmentSnapshot, SegmentRevision.number).join(
    SegmentRevision, SegmentRevision.id == SegmentSnapshot.revision_id
)


def _progress(session: Session, run_id: int) -> Progress | None:
    run = bulk.get_run(session, run_id=run_id)
    return bulk.find_progress(session, kind=run.kind, subject=run.subject)


def _in_scope(found: Select[Any], scope: StoreScope) -> Select[Any]:
    return found if scope.is_chain_wide else found.where(Member.enrolled_store_id.in_(scope.store_ids))


def _segment(row: Any) -> SegmentView:
    return SegmentView(
        id=row.id,
        title=row.title,
        revision_id=row.revision_id,
        number=row.number,
        condition=parse(row.condition),
        is_archived=row.is_archived,
        made_by=row.made_by,
        made_at=row.made_at,
    )


def _snapshot(session: Session, row: Any) -> SnapshotView:
    snapshot: SegmentSnapshot = row.SegmentSnapshot
    return SnapshotView(
        id=snapshot.id,
        segment_id=snapshot.segment_id,
        number=row.number,
        taken_at=snapshot.taken_at,
        taken_by=snapshot.taken_by,
        members=snapshot.members,
        finished_at=snapshot.finished_at,
        progress=bulk.find_progress(session, kind=Work.TAKE_SNAPSHOT, subject=snapshot_subject(snapshot.id)),
    )
