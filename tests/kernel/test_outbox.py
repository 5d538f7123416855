from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from tests.support.events import recorded


def _record(session: Session, at: datetime, count: int = 1) -> None:
    for number in range(count):
        outbox.record(session, "tested", {"number": number}, at=at)


class TestLease:
    def test_takes_due_events_once(self, session: Session, at: datetime) -> None:
        _record(session, at, count=3)
        lease_id, other_id = uuid4(), uuid4()

        assert outbox.lease(session, lease_id=lease_id, count=2) == 2
        assert outbox.lease(session, lease_id=other_id, count=10) == 1

        assert [event.payload["number"] for event in outbox.leased(session, lease_id=lease_id)] == [0, 1]

    def test_takes_no_more_than_asked_for_whatever_the_planner_chooses(self, session: Session, at: datetime) -> None:
        _record(session, at, count=3)
        for way in ("hashjoin", "mergejoin", "hashagg", "material", "memoize", "sort"):
            session.execute(text(f"SET LOCAL enable_{way} = off"))

        assert outbox.lease(session, lease_id=uuid4(), count=2) == 2

    def test_a_postponed_event_is_not_due_at_once(self, session: Session, at: datetime) -> None:
        _record(session, at)
        lease_id = uuid4()
        outbox.lease(session, lease_id=lease_id, count=1)
        (event,) = outbox.leased(session, lease_id=lease_id)

        outbox.postpone(session, event_id=event.id, error="no answer", at=at)

        assert outbox.lease(session, lease_id=uuid4(), count=1) == 0
        assert outbox.count_waiting(session) == (1, 0)

    def test_an_event_is_set_aside_after_its_last_try(self, session: Session, at: datetime) -> None:
        _record(session, at)
        lease_id = uuid4()
        outbox.lease(session, lease_id=lease_id, count=1)
        (event,) = outbox.leased(session, lease_id=lease_id)
        event.attempts = outbox.ATTEMPTS_MAX
        session.flush()

        outbox.postpone(session, event_id=event.id, error="no answer", at=at)

        assert outbox.count_waiting(session) == (0, 1)

    def test_a_completed_event_is_gone(self, session: Session, at: datetime) -> None:
        _record(session, at)
        lease_id = uuid4()
        outbox.lease(session, lease_id=lease_id, count=1)
        (event,) = outbox.leased(session, lease_id=lease_id)

        outbox.complete(session, event_id=event.id)

        assert outbox.count_waiting(session) == (0, 0)


def test_drop_forgets_the_past_of_the_members_named_and_nothing_else(session: Session, at: datetime) -> None:
    long_ago = at - timedelta(days=30)
    for member_id, recorded_at in ((1, long_ago), (2, long_ago), (3, long_ago), (1, at)):
        outbox.record(session, "tested", {"member_id": member_id}, at=recorded_at)
    outbox.record(session, "tested", {"push_id": 1}, at=long_ago)

    assert outbox.drop(session, member_ids=[1, 2], recorded_before=at) == 2

    assert recorded(session, "tested") == [{"member_id": 3}, {"member_id": 1}, {"push_id": 1}]
