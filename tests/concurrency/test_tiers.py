"""Growth under fire: what promotes and what takes back at the same moment ends where the sum does."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.tiers.models import MemberTier
from loyalty.tiers.queries import tier_of
from tests.factories.members import make_member
from tests.factories.tiers import grow, growth_of, make_ladder, take_back
from tests.support.races import at_once


@pytest.mark.parametrize("_turn", range(3))
def test_promotions_against_refunds_end_where_the_sum_does(
    committed_database: Database, at: datetime, _turn: int
) -> None:
    database = committed_database

    def begin(session: Session) -> int:
        make_ladder(session, at=at)
        member_id = make_member(session).id
        grow(session, member_id, 400, at, reference="order:0")
        return member_id

    member_id = run(database, begin)
    buys = [
        lambda n=n: run(database, lambda session: grow(session, member_id, 200, at, reference=f"order:{n}"))
        for n in range(1, 5)
    ]
    refunds = [
        lambda n=n: run(
            database, lambda session: take_back(session, member_id, 150, "order:0", at, reference=f"refund:{n}")
        )
        for n in range(1, 5)
    ]
    at_once([*buys, *refunds])

    with database.session() as session:
        assert sum(growth_of(session, member_id)) == 800
        assert session.get_one(MemberTier, member_id).growth == 800
        assert tier_of(session, member_id=member_id, at=at).level == 2
