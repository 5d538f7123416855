"""Saved segments, snapshots and automatic tags: revisions, whole pages, and what staff did by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs import bulk as bulk_jobs
from jobs.segments import keep_automatic_tags
from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkState
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.segments import queries, service
from loyalty.segments.models import SegmentSnapshotMember
from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.conditions import Not
from loyalty.segments.rules.errors import (
    AutomaticTagNotFound,
    InvalidSegmentTitle,
    SegmentArchived,
    SegmentChanged,
    SegmentKeepsTags,
    SegmentNotFound,
    SegmentTitleTaken,
    SnapshotNotFound,
    SnapshotNotReady,
    TagKeptAlready,
)
from loyalty.segments.rules.works import Work
from loyalty.stores.rules import StoreScope
from loyalty.tags.rules.tags import TagArchived
from loyalty.tags.service import archive_tag
from loyalty.tiers.models import MemberTier
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.factories.tags import make_tag, put_tag, tags_of
from tests.support.containers import NullContainer
from tests.support.handling import perform

STAFF = Actor("staff:7")
GOLD = types.Tier(frozenset({77}))
"""A level that members of other tests do not have."""


@pytest.fixture
def save(session: Session, at: datetime) -> Callable[..., int]:
    return partial(service.save_segment, session, title="金卡", condition=GOLD, actor=STAFF, at=at)


def _make(session: Session, at: datetime, level: int = 77) -> Member:
    member = make_member(session)
    session.add(MemberTier(member_id=member.id, growth=0, level=level, since_at=at))
    session.flush()
    return member


def _set_level(session: Session, member: Member, level: int) -> None:
    session.get_one(MemberTier, member.id).level = level
    session.flush()


class TestSaving:
    def test_each_condition_is_a_revision_of_its_own_and_the_same_again_is_none(
        self, session: Session, save: Callable[..., int], at: datetime
    ) -> None:
        segment_id = save()
        save(segment_id=segment_id, title=" 金卡会员 ")
        assert queries.get_segment(session, segment_id=segment_id).number == 1

        save(segment_id=segment_id, condition=Not(GOLD), number=1)

        view = queries.get_segment(session, segment_id=segment_id)
        assert (view.title, view.number, view.condition) == ("金卡", 2, Not(GOLD))
        assert [one.condition for one in queries.list_revisions(session, segment_id=segment_id)] == [Not(GOLD), GOLD]
        audited = audit.list_entries(session, subject=f"segment:{segment_id}", action="segments.save")
        assert len(audited) == 3

    def test_who_began_with_an_older_revision_overwrites_nothing(self, save: Callable[..., int]) -> None:
        segment_id = save()
        save(segment_id=segment_id, condition=Not(GOLD), number=1)

        with pytest.raises(SegmentChanged):
            save(segment_id=segment_id, condition=GOLD, number=1)

    @pytest.mark.parametrize("title", ["", "  ", "x" * 41, "a\nb"])
    def test_a_title_that_cannot_be_told_is_refused(self, save: Callable[..., int], title: str) -> None:
        with pytest.raises(InvalidSegmentTitle):
            save(title=title)

    def test_a_title_is_free_again_once_its_segment_is_archived(
        self, session: Session, save: Callable[..., int], at: datetime
    ) -> None:
        segment_id = save()
        with pytest.raises(SegmentTitleTaken), session.begin_nested():
            save()

        service.archive_segment(session, segment_id=segment_id, actor=STAFF, at=at)

        assert save() != segment_id
        assert [one.id for one in queries.list_segments(session, text="金", is_archived=True)] == [segment_id]
        with pytest.raises(SegmentArchived):
            save(segment_id=segment_id)
        with pytest.raises(SegmentNotFound):
            save(segment_id=10**12)

    def test_a_revision_never_changes(self, session: Session, save: Callable[..., int]) -> None:
        save()

        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text("UPDATE segment_revisions SET number = 9"))


def _work(session: Session, kind: Work, page: Callable[..., bulk.PageDone], at: datetime, **given: object) -> int:
    """Do all pages of the one run of a kind that is under way; return how many there were."""
    run_id = session.scalars(
        select(bulk.BulkRun.id).where(bulk.BulkRun.kind == kind, bulk.BulkRun.state == BulkState.RUNNING)
    ).one()
    pages = 1
    while bulk.work_page(session, run_id=run_id, page=partial(page, at=at, **given), at=at):
        pages += 1
    return pages


def _stop(session: Session, kind: Work) -> None:
    """Pause the one run of a kind that is under way, as an error in one of its pages does."""
    run_id = session.scalars(
        select(bulk.BulkRun.id).where(bulk.BulkRun.kind == kind, bulk.BulkRun.state == BulkState.RUNNING)
    ).one()
    bulk.pause(session, run_id=run_id, error="ValueError")


class TestSnapshots:
    @pytest.fixture
    def take(self, session: Session, zone: ZoneInfo, vault: Vault, at: datetime) -> Callable[[int], int]:
        def take(segment_id: int) -> int:
            snapshot_id = service.take_snapshot(session, segment_id=segment_id, actor=STAFF, at=at)
            last_id = session.scalars(select(Member.id).order_by(Member.id.desc()).limit(1)).one()
            size = last_id // 2 + 1
            pages = _work(session, Work.TAKE_SNAPSHOT, service.take_page, at, zone=zone, vault=vault, size=size)
            assert pages == -(-last_id // size)
            return snapshot_id

        return take

    def test_a_snapshot_holds_exactly_whom_the_count_counts(
        self, session: Session, save: Callable[..., int], take: Callable[[int], int], at: datetime,
        zone: ZoneInfo, vault: Vault,
    ) -> None:  # fmt: skip
        members = [_make(session, at, level) for level in (77, 1, 77, 77)]

        snapshot_id = take(save())

        view = queries.get_snapshot(session, snapshot_id=snapshot_id)
        kept = set(session.scalars(queries.snapshot_members(snapshot_id)))
        assert kept == {one.id for one in members} - {members[1].id}
        assert view.members == len(kept) == queries.count(session, GOLD, at=at, zone=zone, vault=vault)
        assert view.finished_at == at
        assert view.progress is not None
        assert view.progress.figures == {"members": 3}
        assert [one.id for one in queries.list_snapshots(session, segment_id=view.segment_id).items] == [snapshot_id]

    def test_a_snapshot_stays_whatever_becomes_of_the_segment_and_of_its_members(
        self, session: Session, save: Callable[..., int], take: Callable[[int], int], at: datetime, vault: Vault
    ) -> None:
        store = make_store(session)
        stays, closes = _make(session, at), _make(session, at)
        stays.enrolled_store_id = store.id
        segment_id = save()
        snapshot_id = take(segment_id)

        save(segment_id=segment_id, condition=Not(GOLD))
        _set_level(session, stays, 1)
        closes.status = MemberStatus.CLOSED
        session.flush()

        rows = select(SegmentSnapshotMember.member_id).where(SegmentSnapshotMember.snapshot_id == snapshot_id)
        assert set(session.scalars(rows)) == {stays.id, closes.id}
        shown = partial(queries.list_snapshot_members, session, vault=vault, snapshot_id=snapshot_id)
        assert [one.id for one in shown()] == [stays.id]
        assert [one.id for one in shown(scope=StoreScope(False, frozenset({store.id})))] == [stays.id]
        assert shown(scope=StoreScope(False, frozenset({store.id + 1}))) == []
        assert shown(after_id=stays.id) == []

    def test_an_export_is_audited_and_waits_for_the_whole(
        self, session: Session, save: Callable[..., int], take: Callable[[int], int], at: datetime
    ) -> None:
        segment_id = save()
        _make(session, at)
        snapshot_id = take(segment_id)
        unfinished = service.take_snapshot(session, segment_id=segment_id, actor=STAFF, at=at)

        service.begin_export(session, snapshot_id=snapshot_id, actor=STAFF, at=at)

        subject = f"segment_snapshot:{snapshot_id}"
        assert audit.list_entries(session, subject=subject, action="segments.export")[0].actor == STAFF.name
        with pytest.raises(SnapshotNotReady):
            service.begin_export(session, snapshot_id=unfinished, actor=STAFF, at=at)
        with pytest.raises(SnapshotNotFound):
            service.begin_export(session, snapshot_id=10**12, actor=STAFF, at=at)

    def test_one_that_an_error_stopped_goes_on_where_it_stopped(
        self, session: Session, save: Callable[..., int], at: datetime, zone: ZoneInfo, vault: Vault
    ) -> None:
        member = _make(session, at)
        snapshot_id = service.take_snapshot(session, segment_id=save(), actor=STAFF, at=at)
        subject = f"segment_snapshot:{snapshot_id}"
        resume = partial(service.resume_snapshot, session, snapshot_id=snapshot_id, actor=STAFF, at=at)
        with pytest.raises(bulk.BulkRunNotInState), session.begin_nested():
            resume()
        _stop(session, Work.TAKE_SNAPSHOT)

        resume()

        _work(session, Work.TAKE_SNAPSHOT, service.take_page, at, zone=zone, vault=vault)
        assert set(session.scalars(queries.snapshot_members(snapshot_id))) == {member.id}
        (entry,) = audit.list_entries(session, subject=subject, action="segments.resume_snapshot")
        assert entry.actor == STAFF.name
        with pytest.raises(SnapshotNotFound):
            service.resume_snapshot(session, snapshot_id=10**12, actor=STAFF, at=at)


class TestAutomaticTags:
    @pytest.fixture
    def keep(self, session: Session, zone: ZoneInfo, vault: Vault, at: datetime) -> Callable[[], int]:
        return partial(_work, session, Work.KEEP_TAG, service.keep_page, at, zone=zone, vault=vault)

    @pytest.fixture
    def tag_id(self, session: Session) -> int:
        return make_tag(session)

    @pytest.fixture
    def segment_id(
        self, session: Session, save: Callable[..., int], tag_id: int, at: datetime, keep: Callable[[], int]
    ) -> int:
        """A segment with its tag in step; nobody is in it yet."""
        segment_id = save()
        service.start_automatic_tag(session, segment_id=segment_id, tag_id=tag_id, actor=STAFF, at=at)
        keep()
        return segment_id

    @pytest.fixture
    def again(self, session: Session, tag_id: int, keep: Callable[[], int], at: datetime) -> Callable[[int], int]:
        """Bring the tag in step again, on a day to come."""

        def again(days: int) -> int:
            service.keep_in_step(session, tag_id=tag_id, at=at + timedelta(days=days))
            return keep()

        return again

    def test_who_enters_gets_the_tag_and_who_leaves_loses_it_but_tags_by_hand_stay(
        self, session: Session, segment_id: int, tag_id: int, again: Callable[[int], int], at: datetime
    ) -> None:
        enters, by_hand = _make(session, at), _make(session, at)
        outside = _make(session, at, level=1)
        put_tag(session, tag_id, by_hand.id, outside.id)
        again(1)
        assert [tags_of(session, one.id) for one in (enters, by_hand, outside)] == [{tag_id}] * 3

        for member in (enters, by_hand):
            _set_level(session, member, 1)
        again(2)

        assert [tags_of(session, one.id) for one in (enters, by_hand, outside)] == [set(), {tag_id}, {tag_id}]
        (view,) = queries.list_automatic_tags(session, segment_id=segment_id)
        assert view.progress is not None
        assert view.progress.figures == {"left": 1}

    def test_the_condition_is_the_segment_s_last(
        self, session: Session, segment_id: int, tag_id: int, again: Callable[[int], int],
        save: Callable[..., int], at: datetime,
    ) -> None:  # fmt: skip
        gold, silver = _make(session, at), _make(session, at, level=78)
        again(1)

        save(segment_id=segment_id, condition=types.Tier(frozenset({78})))
        again(2)

        assert [tags_of(session, one.id) for one in (gold, silver)] == [set(), {tag_id}]

    def test_one_run_is_enough_at_a_time(
        self, session: Session, segment_id: int, tag_id: int, keep: Callable[[], int], at: datetime
    ) -> None:
        begin = partial(service.keep_in_step, session, tag_id=tag_id)
        first = begin(at=at + timedelta(seconds=1))
        assert begin(at=at + timedelta(seconds=2)) == first

        keep()

        assert begin(at=at + timedelta(seconds=3)) != first

    def test_what_a_stopped_one_put_stays_and_follows_nothing(
        self, session: Session, segment_id: int, tag_id: int, keep: Callable[[], int], again: Callable[[int], int],
        at: datetime,
    ) -> None:  # fmt: skip
        member = _make(session, at)
        again(1)
        with pytest.raises(SegmentKeepsTags):
            service.archive_segment(session, segment_id=segment_id, actor=STAFF, at=at)
        service.keep_in_step(session, tag_id=tag_id, at=at + timedelta(days=2))

        service.stop_automatic_tag(session, tag_id=tag_id, actor=STAFF, at=at)
        _set_level(session, member, 1)

        assert keep() == 1
        assert tags_of(session, member.id) == {tag_id}
        with pytest.raises(AutomaticTagNotFound):
            service.keep_in_step(session, tag_id=tag_id, at=at)
        service.archive_segment(session, segment_id=segment_id, actor=STAFF, at=at)

    def test_a_tag_follows_one_segment(
        self, session: Session, segment_id: int, tag_id: int, save: Callable[..., int], at: datetime
    ) -> None:
        other_id = save(title="另一个")
        start = partial(service.start_automatic_tag, session, actor=STAFF, at=at)

        with pytest.raises(TagKeptAlready):
            start(segment_id=other_id, tag_id=tag_id)
        with pytest.raises(TagArchived):
            start(segment_id=other_id, tag_id=make_tag(session, is_archived=True))

    def test_the_nightly_job_begins_every_one_and_a_worker_does_it(
        self, session: Session, container: NullContainer, segment_id: int, tag_id: int, at: datetime
    ) -> None:
        member = _make(session, at)
        container.clock.advance(days=1)
        session.commit()

        assert perform(container, keep_automatic_tags) == {"tags": 1}
        run_id = session.scalars(
            select(bulk.BulkRun.id).where(bulk.BulkRun.kind == Work.KEEP_TAG, bulk.BulkRun.state == "running")
        ).one()
        pages = bulk_jobs.KINDS[Work.KEEP_TAG].steps(container, bulk.get_run(session, run_id=run_id))
        while bulk.work_page(session, run_id=run_id, page=next(pages), at=at):
            pass

        assert tags_of(session, member.id) == {tag_id}

    def test_one_that_an_error_stopped_goes_on_when_it_is_resumed(
        self, session: Session, segment_id: int, tag_id: int, keep: Callable[[], int], at: datetime
    ) -> None:
        member = _make(session, at)
        service.keep_in_step(session, tag_id=tag_id, at=at + timedelta(days=1))
        resume = partial(service.resume_automatic_tag, session, actor=STAFF, at=at)
        with pytest.raises(bulk.BulkRunNotInState), session.begin_nested():
            resume(tag_id=tag_id)
        _stop(session, Work.KEEP_TAG)

        resume(tag_id=tag_id)
        keep()

        assert tags_of(session, member.id) == {tag_id}
        subject = f"segment:{segment_id}"
        (entry,) = audit.list_entries(session, subject=subject, action="segments.resume_automatic_tag")
        assert (entry.actor, entry.after) == (STAFF.name, {"tag_id": tag_id})
        with pytest.raises(AutomaticTagNotFound):
            resume(tag_id=10**12)

    def test_a_tag_that_was_archived_stops_the_work(
        self, session: Session, segment_id: int, tag_id: int, again: Callable[[int], int], at: datetime
    ) -> None:
        archive_tag(session, tag_id=tag_id, actor=STAFF, at=at)

        with pytest.raises(TagArchived):
            again(1)
