"""The statement that accrual is held against writes the rows that the job writes."""

from typing import Any

import psycopg

from benchmarks.commissioning import accrue_by_job, accrue_by_statement, fill, require_sums
from benchmarks.stand import Shop
from loyalty.kernel.transaction import run
from tests.factories.members import make_member

MEMBERS, ORDERS = 20, 30


def test_each_order_costs_the_same_rows(shop: Shop) -> None:
    first_id, *_others = [run(shop.database, lambda session: make_member(session).id) for _ in range(MEMBERS)]
    fill(shop, members=MEMBERS, orders=ORDERS, first_id=first_id)

    accrue_by_job(shop)
    require_sums(shop, orders=ORDERS, is_proved=True)
    by_job = what_is_there(shop)
    forget(shop)
    accrue_by_statement(shop)

    require_sums(shop, orders=ORDERS, is_proved=False)
    assert what_is_there(shop) == by_job


def what_is_there(shop: Shop) -> list[tuple[Any, ...]]:
    with psycopg.connect(shop.conninfo) as connection:
        return connection.execute(_ROWS).fetchall()


def forget(shop: Shop) -> None:
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute("ALTER TABLE earnings_entries DISABLE TRIGGER USER")
        for table in ("commissions", "earnings_entries", "earnings_accounts"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("ALTER TABLE earnings_entries ENABLE TRIGGER USER")


_ROWS = """SELECT c.order_id, c.level, c.order_version, c.member_id, c.referee_id, c.referral_id, c.plan_id, c.state,
    c.base_fen, c.amount_fen, c.parts, c.approves_at, e.sequence, e.amount_fen, e.pending_after,
    e.explanation - 'paid_at'
FROM commissions AS c
JOIN earnings_entries AS e ON e.member_id = c.member_id AND e.reference = 'commission:' || c.order_id || ':1:1'
ORDER BY c.order_id"""
