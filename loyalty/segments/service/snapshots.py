"""Taking snapshots (快照): who is in a segment at an instant, written down in pages of member ids.

Every page asks for the same instant, by the revision that the snapshot began with. What members do while it is taken
may be seen by later pages.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CursorResult, func, insert, literal, select, update
from sqlalchemy.orm import Session

from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.segments.matching import members_matching, plan_by_sets
from loyalty.segments.models import SegmentRevision, SegmentSnapshot, SegmentSnapshotMember
from loyalty.segments.rules.conditions import parse
from loyalty.segments.rules.errors import SnapshotNotFound, SnapshotNotReady
from loyalty.segments.rules.works import Work, snapshot_id_of, snapshot_subject
from loyalty.segments.service.saving import lock_segment
from loyalty.segments.sources.parts import IdSpan

IDS_PER_PAGE = 20_000


def take_snapshot(session: Session, *, segment_id: int, actor: Actor, at: datetime) -> int:
    """Begin to write down who is in a segment now; return the snapshot's id.

    Raises:
        SegmentNotFound: there is no such segment.
        SegmentArchived: it is out of use.
    """
    segment = lock_segment(session, segment_id=segment_id)
    snapshot = SegmentSnapshot(segment_id=segment.id, revision_id=segment.revision_id, taken_at=at, taken_by=actor.name)
    session.add(snapshot)
    session.flush()
    subject = snapshot_subject(snapshot.id)
    bulk.start(session, kind=Work.TAKE_SNAPSHOT, subject=subject, total=last_member(session), at=at)
    after = {"segment_id": segment_id, "revision_id": segment.revision_id}
    audit.write(session, actor=actor, action="segments.take_snapshot", subject=subject, after=after, at=at)
    return snapshot.id


def resume_snapshot(session: Session, *, snapshot_id: int, actor: Actor, at: datetime) -> None:
    """Let a snapshot that an error stopped go on where it stopped; it still asks for the instant at which it began.

    Raises:
        SnapshotNotFound: there is no such snapshot.
        BulkRunNotInState: it is not stopped.
    """
    subject = snapshot_subject(snapshot_id)
    taking = bulk.find_run(session, kind=Work.TAKE_SNAPSHOT, subject=subject)
    if taking is None:
        raise SnapshotNotFound(snapshot_id=snapshot_id)
    bulk.resume(session, run_id=taking.id, at=at)
    audit.write(session, actor=actor, action="segments.resume_snapshot", subject=subject, at=at)


def take_page(
    session: Session, run: BulkRun, *, zone: ZoneInfo, vault: Vault, at: datetime, size: int = IDS_PER_PAGE
) -> PageDone:
    """Write down who is in the segment among the next ids."""
    plan_by_sets(session)
    snapshot = session.get_one(SegmentSnapshot, snapshot_id_of(run.subject), populate_existing=True)
    condition = parse(session.get_one(SegmentRevision, snapshot.revision_id).condition)
    span = next_span(run, size)
    found = members_matching(condition, at=snapshot.taken_at, zone=zone, vault=vault, span=span).subquery()
    members = written(
        session,
        insert(SegmentSnapshotMember).from_select(
            ["snapshot_id", "member_id"], select(literal(snapshot.id), found.c.member_id)
        ),
    )
    is_last = span.until_id >= run.total
    finished = {"finished_at": at} if is_last else {}
    session.execute(
        update(SegmentSnapshot)
        .where(SegmentSnapshot.id == snapshot.id)
        .values(members=SegmentSnapshot.members + members, **finished),
        execution_options={"synchronize_session": False},
    )
    return PageDone(
        cursor=span.until_id, rows=span.until_id - span.after_id, is_last=is_last, figures={"members": members}
    )


def begin_export(session: Session, *, snapshot_id: int, actor: Actor, at: datetime) -> None:
    """Note that staff take the members of a snapshot as a file; ``queries.list_snapshot_members`` gives the rows.

    Raises:
        SnapshotNotFound: there is no such snapshot.
        SnapshotNotReady: it is still being taken.
    """
    snapshot = session.get(SegmentSnapshot, snapshot_id, populate_existing=True)
    if snapshot is None:
        raise SnapshotNotFound(snapshot_id=snapshot_id)
    if snapshot.finished_at is None:
        raise SnapshotNotReady(snapshot_id=snapshot_id)
    subject, after = snapshot_subject(snapshot_id), {"members": snapshot.members}
    audit.write(session, actor=actor, action="segments.export", subject=subject, after=after, at=at)


def last_member(session: Session) -> int:
    """Return the last id that a member has: how far work in pages of ids has to go."""
    return session.scalar(select(func.max(Member.id))) or 0


def next_span(run: BulkRun, size: int) -> IdSpan:
    """Return the ids of the run's next page; nobody who enrols meanwhile belongs to it."""
    return IdSpan(run.cursor, min(run.cursor + size, max(run.total, run.cursor)))


def written(session: Session, statement: Any) -> int:
    """Send a statement that writes; return how many rows it wrote."""
    result = session.execute(statement, execution_options={"synchronize_session": False, "preserve_rowcount": True})
    assert isinstance(result, CursorResult)
    return result.rowcount
