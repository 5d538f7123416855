"""Races: two workers at one notice, many messages at one grant, two witnesses of one tap."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices import service
from loyalty.notices.service import GrantSource
from tests.factories.members import make_identity, make_member
from tests.factories.notices import (
    MP_TEMPLATE,
    SHANGHAI,
    grants_of,
    make_grants,
    make_templates,
    null_accounts,
    request_notice,
)

WORKERS = 8


def at_once(*works: Callable[[], object]) -> None:
    barrier = Barrier(len(works))

    def released(work: Callable[[], object]) -> None:
        barrier.wait(timeout=10)
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(released, work) for work in works]:
            future.result(timeout=30)


def test_workers_that_take_the_same_notice_send_it_once(committed_database: Database, at: datetime) -> None:
    def prepare(session: Session) -> int:
        make_templates(session, at=at)
        member = make_member(session)
        make_identity(session, member=member, is_following=True)
        return request_notice(session, member_id=member.id, at=at)

    notice_id = run(committed_database, prepare)
    accounts, official_account, _ = null_accounts()

    at_once(
        *[lambda: service.send(committed_database, accounts=accounts, notice_id=notice_id, zone=SHANGHAI, at=at)]
        * WORKERS
    )

    assert len(official_account.sent) == 1


def test_one_grant_pays_for_one_of_many_messages(committed_database: Database, at: datetime) -> None:
    def prepare(session: Session) -> tuple[int, list[int]]:
        make_templates(session, at=at)
        member = make_member(session)
        identity = make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM)
        make_grants(session, identity, count=1, at=at)
        return identity.id, [request_notice(session, member_id=member.id, at=at) for _ in range(WORKERS)]

    identity_id, notice_ids = run(committed_database, prepare)
    accounts, _, mini_program = null_accounts()

    def sending(notice_id: int) -> Callable[[], object]:
        return lambda: service.send(committed_database, accounts=accounts, notice_id=notice_id, zone=SHANGHAI, at=at)

    at_once(*[sending(notice_id) for notice_id in notice_ids])

    assert len(mini_program.sent) == 1
    assert run(committed_database, lambda session: grants_of(session, identity_id)) == {MP_TEMPLATE: 0}


def test_client_and_push_at_the_same_instant_count_one_tap(committed_database: Database, at: datetime) -> None:
    def prepare(session: Session) -> int:
        make_templates(session, at=at)
        return make_identity(session, member=make_member(session), kind=IdentityKind.MINI_PROGRAM).id

    identity_id = run(committed_database, prepare)

    def told_by(source: GrantSource) -> Callable[[], object]:
        return lambda: run(
            committed_database,
            lambda session: service.record_grants(
                session, identity_id=identity_id, answers={MP_TEMPLATE: "accept"}, source=source,
                reference="one tap", at=at,
            ),
        )  # fmt: skip

    at_once(*[told_by(GrantSource.CLIENT), told_by(GrantSource.POPUP_EVENT)] * 4)

    assert run(committed_database, lambda session: grants_of(session, identity_id)) == {MP_TEMPLATE: 1}
