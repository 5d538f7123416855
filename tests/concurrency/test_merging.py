"""Members who are merged or erased from two sides at once: one of both happens, and no points are lost."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.merging.rules import Merge
from loyalty.merging.service import merge
from loyalty.privacy.service import ask_to_close, erase_due, take_back_closing
from tests.factories.members import make_member
from tests.factories.points import balance_of, earn
from tests.support.races import at_once


def test_merges_in_both_directions_at_once_leave_one_member_and_all_points(
    committed_database: Database, at: datetime
) -> None:
    database = committed_database

    def pair(session: Session) -> list[int]:
        ids = [make_member(session).id for _ in range(2)]
        for member_id in ids:
            earn(session, member_id, 50, at=at)
        return ids

    first, second = run(database, pair)

    def merging(survivor_id: int, other_id: int) -> Callable[[], Merge]:
        return lambda: run(
            database,
            lambda s: merge(s, survivor_id=survivor_id, other_id=other_id, actor=Actor("staff:1"), at=at),
        )

    answers = at_once([merging(first, second), merging(second, first), merging(first, second)])

    done = {answer.survivor_id for answer in answers if isinstance(answer, Merge)}
    assert len(done) == 1
    assert run(database, lambda s: balance_of(s, first) + balance_of(s, second)) == 100
    assert run(database, lambda s: balance_of(s, done.pop())) == 100


def test_an_erasure_and_its_taking_back_at_once_have_one_winner(
    committed_database: Database, vault: Vault, at: datetime
) -> None:
    database, long_ago = committed_database, at - timedelta(days=30)
    member_id = run(database, lambda s: make_member(s).id)
    run(database, lambda s: ask_to_close(s, member_id=member_id, at=long_ago))

    at_once(
        [
            lambda: run(database, lambda s: erase_due(s, vault=vault, at=at)),
            lambda: run(database, lambda s: take_back_closing(s, member_id=member_id, at=at)),
        ]
    )

    member = run(database, lambda s: s.get_one(Member, member_id))
    assert (member.status, member.phone_sealed is None) in {("closed", True), ("active", False)}
