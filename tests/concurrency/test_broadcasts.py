"""Races: one grant and many messages, one member and many broadcasts, one broadcast and many workers."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from jobs.courier import Courier
from loyalty.broadcasts import service
from loyalty.broadcasts.models import Attempt, Broadcast, MarketingCount, Recipient
from loyalty.broadcasts.queries import get_broadcast
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.broadcasts.service.claiming import Group, claim_group
from loyalty.broadcasts.service.sorting import sort_page
from loyalty.channels.models import MessageTemplate
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.models import Identity
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.models import SubscriptionGrantEntry
from loyalty.notices.service.grants import take_grant
from tests.factories.broadcasts import CAMPAIGN_TEMPLATE, make_broadcast, make_grant, map_template
from tests.factories.members import make_identity, make_member
from tests.factories.notices import SHANGHAI, grants_of, null_accounts
from tests.support.races import at_once


@pytest.fixture
def at() -> datetime:
    """A day of its own: no notice of another test waits on it."""
    return datetime(2027, 1, 12, 2, 0, tzinfo=UTC)


OFTEN = PushPolicy(messages_a_day=20, messages_a_week=100)


@pytest.fixture
def campaign_template(committed_database: Database, at: datetime):  # type: ignore[no-untyped-def]
    run(committed_database, lambda session: map_template(session, at=at))
    yield
    run(
        committed_database,
        lambda session: session.execute(delete(MessageTemplate).where(MessageTemplate.notice_kind == "campaign")),
    )


def make_people(database: Database, at: datetime, *, people: int, grants: int) -> list[tuple[int, int]]:
    def make(session: Session) -> list[tuple[int, int]]:
        found = []
        for _ in range(people):
            member = make_member(session)
            mini = make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM)
            make_grant(session, mini, at=at, count=grants)
            found.append((member.id, mini.id))
        return found

    return run(database, make)


def plan(database: Database, member_ids: list[int], at: datetime) -> int:
    def work(session: Session) -> int:
        broadcast_id = make_broadcast(session, member_ids, at=at)
        broadcast = get_broadcast(session, broadcast_id=broadcast_id)
        sort_page(session, broadcast_id=broadcast_id, channels=broadcast.channels, at=at)
        return broadcast_id

    return run(database, work)


def claim(database: Database, broadcast_id: int, at: datetime, *, policy: PushPolicy, size: int = 8) -> int:
    def work(session: Session) -> Group:
        broadcast = get_broadcast(session, broadcast_id=broadcast_id)
        return claim_group(session, broadcast=broadcast, size=size, policy=policy, zone=SHANGHAI, at=at)

    return len(run(database, work).claims)


def stop_all(database: Database) -> None:
    """So that nothing of this test's is ever due for another one."""
    run(database, lambda session: session.execute(update(Broadcast).values(state="stopped")))


@pytest.mark.usefixtures("campaign_template")
def test_one_grant_pays_for_one_of_sixty_four_messages(committed_database: Database, at: datetime) -> None:
    ((member_id, identity_id),) = make_people(committed_database, at, people=1, grants=1)
    broadcast_ids = [plan(committed_database, [member_id], at) for _ in range(8)]

    def notice(number: int, session: Session) -> bool:
        return take_grant(
            session, identity_id=identity_id, template_id=CAMPAIGN_TEMPLATE, reference=f"notice:r{number}", at=at
        )

    calls: list[Callable[[], object]] = [
        partial(run, committed_database, partial(notice, number)) for number in range(32)
    ]  # fmt: skip
    calls += [
        partial(claim, committed_database, broadcast_ids[number % 8], at, policy=OFTEN) for number in range(32)
    ]  # fmt: skip

    outcomes = at_once(calls)

    assert sum(int(bool(outcome)) for outcome in outcomes if not isinstance(outcome, Exception)) == 1
    entries = select(func.sum(SubscriptionGrantEntry.change), func.min(SubscriptionGrantEntry.balance_after)).where(
        SubscriptionGrantEntry.identity_id == identity_id
    )
    assert run(committed_database, lambda session: session.execute(entries).one()) == (0, 0)
    assert run(committed_database, lambda session: grants_of(session, identity_id)) == {CAMPAIGN_TEMPLATE: 0}
    stop_all(committed_database)


@pytest.mark.usefixtures("campaign_template")
def test_the_cap_of_a_member_holds_over_many_broadcasts_at_once(committed_database: Database, at: datetime) -> None:
    people = make_people(committed_database, at, people=4, grants=20)
    member_ids = [member_id for member_id, _identity_id in people]
    broadcast_ids = [plan(committed_database, member_ids, at) for _ in range(16)]
    policy = PushPolicy(messages_a_day=3, messages_a_week=3)

    claimed = at_once(
        [partial(claim, committed_database, broadcast_id, at, policy=policy) for broadcast_id in broadcast_ids]
    )

    assert sum(one for one in claimed if isinstance(one, int)) == 3 * len(people)
    counts = select(MarketingCount.day_count).where(MarketingCount.member_id.in_(member_ids))
    assert run(committed_database, lambda session: session.scalars(counts).all()) == [3] * len(people)
    stop_all(committed_database)


@pytest.mark.usefixtures("campaign_template")
def test_many_workers_at_one_broadcast_send_to_each_member_once(committed_database: Database, at: datetime) -> None:
    people = make_people(committed_database, at, people=40, grants=2)
    broadcast_id = plan(committed_database, [member_id for member_id, _identity_id in people], at)
    accounts, _official, mini_program = null_accounts()

    def work() -> None:
        with Courier(accounts, a_second=10_000, public_base_url="https://shop.example") as courier:
            while service.send_group(
                committed_database, courier=courier, broadcast_id=broadcast_id, zone=SHANGHAI, at=at
            ):
                pass

    at_once([work] * 8)

    ours = {openid for openid in run(committed_database, lambda session: _openids(session, people))}
    sent = Counter(message.openid for message in mini_program.sent if message.openid in ours)
    assert sent == Counter(ours)
    states = select(Attempt.state, func.count()).join(Recipient).where(Recipient.broadcast_id == broadcast_id)
    counted = run(committed_database, lambda session: session.execute(states.group_by(Attempt.state)).all())
    assert [tuple(row) for row in counted] == [("sent", 40)]
    stop_all(committed_database)


def _openids(session: Session, people: list[tuple[int, int]]) -> list[str]:
    ids = [identity_id for _member_id, identity_id in people]
    return list(session.scalars(select(Identity.openid).where(Identity.id.in_(ids))))
