"""The scripts that purchases and spends are held against write the rows that the service writes."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from benchmarks.books import Books, require_green
from benchmarks.partner import Till
from benchmarks.pgbench import run_pgbench
from benchmarks.rows import purchase, spend
from benchmarks.stand import Shop
from loyalty.kernel.transaction import run
from loyalty.points.service import open_account
from loyalty.points.service import spend as spend_points
from tests.factories.earning import make_rule
from tests.factories.members import make_member
from tests.factories.partners import make_key
from tests.factories.points import earn
from tests.factories.stores import make_store

LOTS, POINTS_EACH = 6, 5


@pytest.fixture
def member_id(shop: Shop) -> int:
    """A member with six lots of what a check-in pays."""

    def make(session: Session) -> int:
        member_id = make_member(session).id
        open_account(session, member_id=member_id, at=datetime.now(UTC))
        for _ in range(LOTS):
            earn(session, member_id, POINTS_EACH)
        return member_id

    return run(shop.database, make)


def variables_for(member_id: int) -> dict[str, object]:
    return {"n": 0, "clients": 1, "first_id": member_id, "members": 1, "number": member_id}


def test_a_purchase(shop: Shop, member_id: int) -> None:
    def make_till(session: Session) -> Till:
        store = make_store(session)
        key, secret = make_key(session, [store])
        return Till(key.key_id, secret, key.id, store.id, make_rule(session))

    till = run(shop.database, make_till)
    books = Books(shop, purchase.ROWS_OF_A_PURCHASE)

    variables = variables_for(member_id) | purchase.ids_of(till)
    run_pgbench(shop.conninfo, purchase.SCRIPT, clients=1, transactions=1, variables=variables)

    books.expect(1, by="the script")
    require_green(shop, member_id=member_id)


def test_a_spend_by_the_script_and_by_the_service(shop: Shop, member_id: int) -> None:
    at = datetime.now(UTC)
    books = Books(shop, spend.ROWS_OF_A_SPEND)

    run_pgbench(shop.conninfo, spend.SCRIPT, clients=1, transactions=1, variables=variables_for(member_id))
    books.expect(1, by="the script")
    run(
        shop.database,
        lambda session: spend_points(
            session,
            member_id=member_id,
            points=spend.POINTS,
            reference="bench:1",
            explanation={},
            occurred_at=at,
            at=at,
        ),
    )

    books.expect(1, by="the service")
    require_green(shop, member_id=member_id)
