"""Snapshots: whole pages, what stays whatever becomes of the members, files, and going on after an error."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel import audit, bulk
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.segments import queries, service
from loyalty.segments.models import SegmentSnapshotMember
from loyalty.segments.rules.conditions import Not
from loyalty.segments.rules.errors import SnapshotNotFound, SnapshotNotReady
from loyalty.segments.rules.works import Work
from loyalty.stores.rules import StoreScope
from tests.factories.stores import make_store
from tests.segments.stage import GOLD, STAFF, make_at_level, set_level, stop, work


def _kept(session: Session, snapshot_id: int) -> set[int]:
    rows = select(SegmentSnapshotMember.member_id).where(SegmentSnapshotMember.snapshot_id == snapshot_id)
    return set(session.scalars(rows))


class TestSnapshots:
    @pytest.fixture
    def take(self, session: Session, zone: ZoneInfo, vault: Vault, at: datetime) -> Callable[[int], int]:
        def take(segment_id: int) -> int:
            snapshot_id = service.take_snapshot(session, segment_id=segment_id, actor=STAFF, at=at)
            last_id = session.scalars(select(Member.id).order_by(Member.id.desc()).limit(1)).one()
            size = last_id // 2 + 1
            pages = work(session, Work.TAKE_SNAPSHOT, service.take_page, at, zone=zone, vault=vault, size=size)
            assert pages == -(-last_id // size)
            return snapshot_id

        return take

    def test_a_snapshot_holds_exactly_whom_the_count_counts(
        self, session: Session, save: Callable[..., int], take: Callable[[int], int], at: datetime,
        zone: ZoneInfo, vault: Vault,
    ) -> None:  # fmt: skip
        members = [make_at_level(session, at, level) for level in (77, 1, 77, 77)]

        snapshot_id = take(save())

        view = queries.get_snapshot(session, snapshot_id=snapshot_id)
        kept = _kept(session, snapshot_id)
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
        stays, closes = make_at_level(session, at), make_at_level(session, at)
        stays.enrolled_store_id = store.id
        segment_id = save()
        snapshot_id = take(segment_id)

        save(segment_id=segment_id, condition=Not(GOLD))
        set_level(session, stays, 1)
        closes.status = MemberStatus.CLOSED
        session.flush()

        assert _kept(session, snapshot_id) == {stays.id, closes.id}
        shown = partial(queries.list_snapshot_members, session, vault=vault, snapshot_id=snapshot_id)
        assert [one.id for one in shown()] == [stays.id]
        assert [one.id for one in shown(scope=StoreScope(False, frozenset({store.id})))] == [stays.id]
        assert shown(scope=StoreScope(False, frozenset({store.id + 1}))) == []
        assert shown(after_id=stays.id) == []

    def test_an_export_is_audited_and_waits_for_the_whole(
        self, session: Session, save: Callable[..., int], take: Callable[[int], int], at: datetime
    ) -> None:
        segment_id = save()
        make_at_level(session, at)
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
        member = make_at_level(session, at)
        snapshot_id = service.take_snapshot(session, segment_id=save(), actor=STAFF, at=at)
        subject = f"segment_snapshot:{snapshot_id}"
        resume = partial(service.resume_snapshot, session, snapshot_id=snapshot_id, actor=STAFF, at=at)
        with pytest.raises(bulk.BulkRunNotInState), session.begin_nested():
            resume()
        stop(session, Work.TAKE_SNAPSHOT)

        resume()

        work(session, Work.TAKE_SNAPSHOT, service.take_page, at, zone=zone, vault=vault)
        assert _kept(session, snapshot_id) == {member.id}
        (entry,) = audit.list_entries(session, subject=subject, action="segments.resume_snapshot")
        assert entry.actor == STAFF.name
        with pytest.raises(SnapshotNotFound):
            service.resume_snapshot(session, snapshot_id=10**12, actor=STAFF, at=at)
