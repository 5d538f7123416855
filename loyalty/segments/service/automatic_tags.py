"""Automatic tags (自动标签): who enters a segment gets the tag, who leaves loses it; what staff put on members stays.

What a segment puts says so in ``tagged_by``. A page looks at a range of ids and first takes, then puts, so that doing
it again changes nothing. Members who were merged or closed no longer match and lose what the segment put.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, BulkState, PageDone
from loyalty.kernel.crypto import Vault
from loyalty.segments.matching import members_matching, plan_by_sets
from loyalty.segments.models import AutomaticTag, Segment, SegmentRevision
from loyalty.segments.rules.conditions import parse
from loyalty.segments.rules.errors import AutomaticTagNotFound, TagKeptAlready
from loyalty.segments.rules.works import Work, keeping_subject, kept_tag_of, subject_of
from loyalty.segments.service.saving import lock_segment
from loyalty.segments.service.snapshots import IDS_PER_PAGE, last_member, next_span, written
from loyalty.tags.models import MemberTag
from loyalty.tags.service.tagging import check_usable


def start_automatic_tag(session: Session, *, segment_id: int, tag_id: int, actor: Actor, at: datetime) -> None:
    """Let a tag follow a segment from now on, at once and each night.

    Raises:
        SegmentNotFound: there is no such segment.
        SegmentArchived: it is out of use.
        TagNotFound: there is no such tag.
        TagArchived: it is put on nobody any more.
        TagKeptAlready: it follows a segment already.
    """
    lock_segment(session, segment_id=segment_id)
    check_usable(session, tag_id=tag_id)
    row = {"tag_id": tag_id, "segment_id": segment_id, "started_by": actor.name, "started_at": at}
    if not written(session, insert(AutomaticTag).values(row).on_conflict_do_nothing()):
        raise TagKeptAlready(tag_id=tag_id)
    _audit(session, "segments.start_automatic_tag", segment_id, tag_id, actor, at)
    keep_in_step(session, tag_id=tag_id, at=at)


def stop_automatic_tag(session: Session, *, tag_id: int, actor: Actor, at: datetime) -> None:
    """Let a tag follow its segment no longer; who has it keeps it.

    Raises:
        AutomaticTagNotFound: it follows none.
    """
    kept = _locked(session, tag_id)
    session.delete(kept)
    session.flush()
    _audit(session, "segments.stop_automatic_tag", kept.segment_id, tag_id, actor, at)


def keep_in_step(session: Session, *, tag_id: int, at: datetime) -> int:
    """Begin to bring a tag in step with its segment, unless that is under way or stopped; return the bulk run.

    Raises:
        AutomaticTagNotFound: it follows none.
    """
    kept = _locked(session, tag_id)
    if kept.run_id is not None and bulk.get_run(session, run_id=kept.run_id).state != BulkState.FINISHED:
        return kept.run_id
    subject = keeping_subject(tag_id, at)
    kept.run_id = bulk.start(session, kind=Work.KEEP_TAG, subject=subject, total=last_member(session), at=at)
    session.flush()
    return kept.run_id


def resume_automatic_tag(session: Session, *, tag_id: int, actor: Actor, at: datetime) -> None:
    """Let a tag that an error kept from following its segment go on where it stopped.

    Raises:
        AutomaticTagNotFound: it follows none.
        BulkRunNotInState: it is not stopped.
    """
    kept = _locked(session, tag_id)
    assert kept.run_id is not None, "it is brought in step as soon as it follows"
    bulk.resume(session, run_id=kept.run_id, at=at)
    _audit(session, "segments.resume_automatic_tag", kept.segment_id, tag_id, actor, at)


def keep_page(
    session: Session, run: BulkRun, *, zone: ZoneInfo, vault: Vault, at: datetime, size: int = IDS_PER_PAGE
) -> PageDone:
    """Take the tag from who left among the next ids, and put it on who entered.

    A tag that was stopped meanwhile is left as it is.

    Raises:
        TagArchived: the tag is put on nobody any more.
    """
    tag_id, span = kept_tag_of(run.subject), next_span(run, size)
    asked = _asked(session, tag_id)
    if asked is None:
        return PageDone(cursor=run.cursor, rows=0, is_last=True)
    check_usable(session, tag_id=tag_id)
    plan_by_sets(session)
    segment_id, document = asked
    matching = members_matching(parse(document), at=at, zone=zone, vault=vault, span=span)
    found, tagger = matching.subquery(), subject_of(segment_id)
    left = written(
        session,
        delete(MemberTag).where(
            MemberTag.tag_id == tag_id,
            MemberTag.tagged_by == tagger,
            span.covers(MemberTag.member_id.expression),
            ~exists().where(found.c.member_id == MemberTag.member_id),
        ),
    )
    rows = select(found.c.member_id, literal(tag_id), literal(at), literal(tagger))
    put = insert(MemberTag).from_select(["member_id", "tag_id", "tagged_at", "tagged_by"], rows)
    entered = written(session, put.on_conflict_do_nothing())
    return PageDone(
        cursor=span.until_id,
        rows=span.until_id - span.after_id,
        is_last=span.until_id >= run.total,
        figures={"entered": entered, "left": left},
    )


def _asked(session: Session, tag_id: int) -> tuple[int, object] | None:
    """Return the segment that a tag follows, and what it asks."""
    row = session.execute(
        select(AutomaticTag.segment_id, SegmentRevision.condition)
        .join(Segment, Segment.id == AutomaticTag.segment_id)
        .join(SegmentRevision, SegmentRevision.id == Segment.revision_id)
        .where(AutomaticTag.tag_id == tag_id)
        .with_for_update(read=True, of=AutomaticTag)
    ).one_or_none()
    return None if row is None else (row.segment_id, row.condition)


def _locked(session: Session, tag_id: int) -> AutomaticTag:
    kept = session.get(AutomaticTag, tag_id, with_for_update=True, populate_existing=True)
    if kept is None:
        raise AutomaticTagNotFound(tag_id=tag_id)
    return kept


def _audit(session: Session, action: str, segment_id: int, tag_id: int, actor: Actor, at: datetime) -> None:
    subject, after = subject_of(segment_id), {"tag_id": tag_id}
    audit.write(session, actor=actor, action=action, subject=subject, after=after, at=at)
