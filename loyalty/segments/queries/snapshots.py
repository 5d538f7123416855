"""Snapshots, how far they have come, and who is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel import bulk
from loyalty.kernel.bulk import Progress
from loyalty.kernel.crypto import Vault
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.queries import LIVING, MemberView, read_member
from loyalty.segments.models import SegmentRevision, SegmentSnapshot, SegmentSnapshotMember
from loyalty.segments.rules.errors import SnapshotNotFound
from loyalty.segments.rules.works import Work, snapshot_subject
from loyalty.stores.rules import EVERYTHING, StoreScope


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


_SNAPSHOTS = select(SegmentSnapshot, SegmentRevision.number).join(
    SegmentRevision, SegmentRevision.id == SegmentSnapshot.revision_id
)


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
