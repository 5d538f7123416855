"""Members who are merged or erased while something of theirs is being awarded: nobody who is gone earns.

The other act is held open until the award waits for it: every run sees the moment in between.
"""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.earning import service as earning
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.rules.members import MemberGone
from loyalty.merging.service import merge
from loyalty.privacy.service.closing import ask_to_close
from loyalty.privacy.service.erasure import erase_due
from tests.factories.checkout import SHANGHAI, buy
from tests.factories.earning import ACTOR, make_rule
from tests.factories.members import make_member
from tests.factories.orders import AT, make_purchase
from tests.factories.points import balance_of
from tests.factories.stores import make_store
from tests.support.races import beside
from tests.support.settings import VAULT


@pytest.fixture
def store_id(committed_database: Database) -> int:
    """A store with a rule of its own, since other tests share the database."""

    def make(session: Session) -> int:
        store_id = make_store(session).id
        here = Conditions(included_nodes=frozenset({store_id}))
        make_rule(session, Definition(event=EarningEvent.REVIEW, points=Fixed(9), conditions=here))
        return store_id

    return run(committed_database, make)


def new_members(database: Database) -> tuple[int, int]:
    return run(database, lambda session: (make_member(session).id, make_member(session).id))


def closing_member(database: Database) -> int:
    """Somebody whose waiting period is over."""
    member_id, _another = new_members(database)
    run(database, lambda session: ask_to_close(session, member_id=member_id, at=AT - timedelta(days=30)))
    return member_id


def review(session: Session, member_id: int, store_id: int) -> earning.Outcome:
    happening = earning.Happening(event=EarningEvent.REVIEW, member_id=member_id, occurred_at=AT, store_id=store_id)
    return earning.reward(session, VAULT, happening=happening, reference="partner:7:1", at=AT, zone=SHANGHAI)


def test_an_event_beside_a_merge_pays_the_survivor(committed_database: Database, store_id: int) -> None:
    survivor_id, other_id = new_members(committed_database)

    beside(
        committed_database,
        lambda session: merge(session, survivor_id=survivor_id, other_id=other_id, actor=ACTOR, at=AT),
        lambda session: review(session, other_id, store_id),
    )

    paid = run(committed_database, lambda session: [balance_of(session, one) for one in (survivor_id, other_id)])
    assert paid == [9, 0]


def test_an_event_beside_an_erasure_pays_nobody(committed_database: Database, store_id: int) -> None:
    member_id = closing_member(committed_database)

    outcome = beside(
        committed_database,
        lambda session: erase_due(session, vault=VAULT, at=AT),
        lambda session: review(session, member_id, store_id),
    )

    assert outcome == earning.Outcome()


def test_a_purchase_beside_an_erasure_is_refused(committed_database: Database) -> None:
    member_id = closing_member(committed_database)

    with pytest.raises(MemberGone):
        beside(
            committed_database,
            lambda session: erase_due(session, vault=VAULT, at=AT),
            lambda session: buy(session, make_purchase(member_id)),
        )
