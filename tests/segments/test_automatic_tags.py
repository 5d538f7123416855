"""Automatic tags: who enters and who leaves, what staff did by hand, and when a tag follows no longer."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from jobs import bulk as bulk_jobs
from jobs.segments import keep_automatic_tags
from loyalty.kernel import audit, bulk
from loyalty.kernel.crypto import Vault
from loyalty.segments import queries, service
from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.errors import AutomaticTagNotFound, SegmentKeepsTags, TagKeptAlready
from loyalty.segments.rules.works import Work
from loyalty.tags.rules.tags import TagArchived
from loyalty.tags.service import archive_tag
from tests.factories.tags import make_tag, put_tag, tags_of
from tests.segments.stage import STAFF, make_at_level, running, set_level, stop, work
from tests.support.containers import NullContainer
from tests.support.handling import perform


class TestAutomaticTags:
    @pytest.fixture
    def keep(self, session: Session, zone: ZoneInfo, vault: Vault, at: datetime) -> Callable[[], int]:
        return partial(work, session, Work.KEEP_TAG, service.keep_page, at, zone=zone, vault=vault)

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
        enters, by_hand = make_at_level(session, at), make_at_level(session, at)
        outside = make_at_level(session, at, level=1)
        put_tag(session, tag_id, by_hand.id, outside.id)
        again(1)
        assert [tags_of(session, one.id) for one in (enters, by_hand, outside)] == [{tag_id}] * 3

        for member in (enters, by_hand):
            set_level(session, member, 1)
        again(2)

        assert [tags_of(session, one.id) for one in (enters, by_hand, outside)] == [set(), {tag_id}, {tag_id}]
        (view,) = queries.list_automatic_tags(session, segment_id=segment_id)
        assert view.progress is not None
        assert view.progress.figures == {"left": 1}

    def test_the_condition_is_the_segment_s_last(
        self, session: Session, segment_id: int, tag_id: int, again: Callable[[int], int],
        save: Callable[..., int], at: datetime,
    ) -> None:  # fmt: skip
        gold, silver = make_at_level(session, at), make_at_level(session, at, level=78)
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
        member = make_at_level(session, at)
        again(1)
        with pytest.raises(SegmentKeepsTags):
            service.archive_segment(session, segment_id=segment_id, actor=STAFF, at=at)
        service.keep_in_step(session, tag_id=tag_id, at=at + timedelta(days=2))

        service.stop_automatic_tag(session, tag_id=tag_id, actor=STAFF, at=at)
        set_level(session, member, 1)

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
        member = make_at_level(session, at)
        container.clock.advance(days=1)
        session.commit()

        assert perform(container, keep_automatic_tags) == {"tags": 1}
        run_id = running(session, Work.KEEP_TAG)
        pages = bulk_jobs.KINDS[Work.KEEP_TAG].steps(container, bulk.get_run(session, run_id=run_id))
        while bulk.work_page(session, run_id=run_id, page=next(pages), at=at):
            pass

        assert tags_of(session, member.id) == {tag_id}

    def test_one_that_an_error_stopped_goes_on_when_it_is_resumed(
        self, session: Session, segment_id: int, tag_id: int, keep: Callable[[], int], at: datetime
    ) -> None:
        member = make_at_level(session, at)
        service.keep_in_step(session, tag_id=tag_id, at=at + timedelta(days=1))
        resume = partial(service.resume_automatic_tag, session, actor=STAFF, at=at)
        with pytest.raises(bulk.BulkRunNotInState), session.begin_nested():
            resume(tag_id=tag_id)
        stop(session, Work.KEEP_TAG)

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
