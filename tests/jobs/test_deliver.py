"""Delivering: one transaction an event, one failure alone, the queue server only as a wake-up."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from jobs import deliver, queues, relay
from loyalty.container import Container
from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.gateways.null import NullOfficialAccount
from loyalty.gateways.redis import connect
from loyalty.kernel import outbox
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run
from tests.factories.members import make_identity, make_member
from tests.factories.notices import make_templates, request_notice


@pytest.fixture
def record(session: Session, jobs_container: Container) -> Callable[..., None]:
    def record(kind: str, **payload: object) -> None:
        outbox.record(session, kind, payload, at=jobs_container.clock.now())

    return record


def deliver_all(container: Container) -> int:
    lease_id = uuid4()
    count = run(container.database, lambda session: outbox.lease(session, lease_id=lease_id, count=100))
    deliver.deliver(str(lease_id))
    return count


def left(session: Session) -> list[tuple[str, str | None]]:
    rows = session.scalars(select(OutboxEvent).order_by(OutboxEvent.id).execution_options(populate_existing=True))
    return [(row.kind, row.last_error) for row in rows]


def test_an_event_is_forgotten_when_its_handlers_have_committed(
    jobs_container: Container, session: Session, record: Callable[..., None]
) -> None:
    member = make_member(session)
    identity = make_identity(session, member=member)
    record("member.enrolled", member_id=member.id, identity_id=identity.id, store_id=None)

    assert deliver_all(jobs_container) == 1

    assert left(session) == [("notice.requested", None)]
    account = session.execute(text("SELECT balance FROM points_accounts WHERE member_id = :id"), {"id": member.id})
    assert account.scalar_one() == 0


def test_one_failing_event_is_put_off_alone_and_keeps_no_text_of_its_error(
    jobs_container: Container, session: Session, record: Callable[..., None]
) -> None:
    record("identity.unfollowed", identity_id=1)
    record("member.enrolled", member_id=-1, identity_id=-1, store_id=None)
    record("nobody.knows", secret="+8613800000001")
    record("identity.unfollowed", identity_id=2)

    deliver_all(jobs_container)

    # A member that is not there breaks the foreign key of the account.
    assert left(session) == [("member.enrolled", "IntegrityError"), ("nobody.knows", "UnknownEvent")]
    assert deliver_all(jobs_container) == 0


def test_an_event_whose_work_is_done_already_is_forgotten(
    jobs_container: Container, session: Session, record: Callable[..., None]
) -> None:
    record("binding.code_wanted", review_id=0, member_id=0)
    record("push.stored", push_id=0)

    deliver_all(jobs_container)

    assert left(session) == []


def test_a_busy_platform_puts_the_message_off(
    jobs_container: Container, session: Session, official_account: NullOfficialAccount
) -> None:
    at = jobs_container.clock.now()
    make_templates(session, at=at)
    member = make_member(session)
    make_identity(session, member=member, is_following=True)
    request_notice(session, member_id=member.id, at=at)
    official_account.outcomes.append(SendOutcome(SendState.FAILED_RETRY, SendReason.BUSY))

    deliver_all(jobs_container)
    assert left(session) == [("notice.requested", "send_again_later")]
    session.execute(text("UPDATE outbox_events SET due_at = now()"))
    deliver_all(jobs_container)

    assert left(session) == []
    assert len(official_account.sent) == 2


def test_events_of_a_lease_that_ran_out_are_left_to_its_next_holder(
    jobs_container: Container, session: Session, record: Callable[..., None]
) -> None:
    record("identity.unfollowed", identity_id=1)
    lease_id = uuid4()
    run(jobs_container.database, lambda s: outbox.lease(s, lease_id=lease_id, count=10))
    session.execute(text("UPDATE outbox_events SET due_at = now() - interval '1 second'"))

    deliver.deliver(str(lease_id))
    assert left(session) == [("identity.unfollowed", None)]

    assert deliver_all(jobs_container) == 1
    assert left(session) == []


def test_a_worker_that_starts_late_begins_its_lease_anew(
    jobs_container: Container, session: Session, record: Callable[..., None]
) -> None:
    record("identity.unfollowed", identity_id=1)
    lease_id = uuid4()
    run(jobs_container.database, lambda s: outbox.lease(s, lease_id=lease_id, count=10))
    session.execute(text("UPDATE outbox_events SET due_at = now() + interval '1 second'"))

    run(jobs_container.database, lambda s: outbox.renew(s, lease_id=lease_id))

    left_of_lease = session.scalar(text("SELECT due_at - now() FROM outbox_events"))
    assert left_of_lease == outbox.LEASE


def test_a_sweep_enqueues_one_job_for_many_events(
    jobs_container: Container, redis: Redis, record: Callable[..., None]
) -> None:
    queue = queues.queue(queues.URGENT, connection=redis)
    for number in range(relay.CHUNK + 5):
        record("identity.unfollowed", identity_id=number)

    counts = [relay.sweep(jobs_container.database, queue) for _ in range(3)]

    assert counts == [relay.CHUNK, 5, 0]
    assert [job.func for job in queue.jobs] == [deliver.deliver] * 2


def test_a_sweep_takes_nothing_while_workers_lag_behind(
    jobs_container: Container, redis: Redis, record: Callable[..., None]
) -> None:
    queue = queues.queue(queues.URGENT, connection=redis)
    for _ in range(relay.WAITING_MAX):
        queue.enqueue_call(deliver.deliver, args=(str(uuid4()),))
    record("identity.unfollowed", identity_id=1)

    assert relay.sweep(jobs_container.database, queue) == 0
    assert deliver_all(jobs_container) == 1


def test_without_a_queue_server_events_stay_due(jobs_container: Container, record: Callable[..., None]) -> None:
    record("identity.unfollowed", identity_id=1)
    queue = queues.queue(queues.URGENT, connection=connect("unix:///nowhere/valkey.sock"))

    with pytest.raises(RedisError):
        relay.sweep(jobs_container.database, queue)

    assert deliver_all(jobs_container) == 1


def test_a_chunk_stops_before_its_lease_runs_out() -> None:
    assert timedelta(seconds=deliver.WORK_SECONDS_MAX) < outbox.LEASE
