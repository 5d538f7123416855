"""Commissions (计佣) for the bench: friends with orders, the job through its own services, and one plain statement."""

from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
from sqlalchemy.orm import Session

from benchmarks.failures import BenchFailed
from benchmarks.pgbench import SCRIPTS
from benchmarks.stand import Shop
from loyalty.commissions import service
from loyalty.commissions.rules.plan import Plan, Rate
from loyalty.commissions.service import plans
from loyalty.earnings.service import verify
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run

PLAIN = (SCRIPTS / "commission_accrual.sql").read_text()
REFERRERS_SHARE = 10
"""One of so many members has invited the others."""
BASIS_POINTS = 500
_ACTOR = Actor("staff:1")
_SHARES = """INSERT INTO share_tokens (member_id, channel, purpose, serial, token, minted_at)
SELECT n, 'mini_program', 'referral', 1, 'bench' || n, %(at)s
FROM generate_series(%(first_id)s, %(first_id)s + %(referrers)s - 1) AS n"""
_REFERRALS = """INSERT INTO referrals (
    member_id, referrer_id, share_token_id, channel, state, is_standing, touched_at, came_at, attributed_at
)
SELECT n, t.member_id, t.id, 'mini_program', 'attributed', true, %(at)s, %(at)s, %(at)s
FROM generate_series(%(first_id)s + %(referrers)s, %(first_id)s + %(members)s - 1) AS n
JOIN share_tokens AS t ON t.member_id = %(first_id)s + n %% %(referrers)s"""
_ORDERS = """INSERT INTO orders (
    source, order_number, version, member_id, channel, paid_at, amount_fen, lines, recorded_at
)
SELECT 'pos', 'B' || n, 1, %(first_id)s + %(referrers)s + n %% (%(members)s - %(referrers)s), 'store', %(now)s, 15000,
    '[{"line_number": 1, "sku": "tea-01", "category": "tea", "quantity": 1, "amount_fen": 9900},
      {"line_number": 2, "sku": "cup-01", "category": "cups", "quantity": 2, "amount_fen": 5100}]',
    %(now)s - interval '1 hour' + n * interval '1 millisecond'
FROM generate_series(1, %(orders)s) AS n"""


def fill(shop: Shop, *, members: int, orders: int, first_id: int = 1) -> None:
    """Let one in ten members have invited the others, and these have bought."""
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=10)
    values = {
        "first_id": first_id,
        "members": members,
        "referrers": members // REFERRERS_SHARE,
        "orders": orders,
        "at": long_ago,
        "now": now,
    }

    def publish(session: Session) -> None:
        plan = Plan("佣金", (Rate(basis_points=BASIS_POINTS),))
        plans.save_draft(session, plan=plan, actor=_ACTOR, at=long_ago)
        plans.publish(session, actor=_ACTOR, at=long_ago)

    with psycopg.connect(shop.conninfo) as connection:
        for statement in (_SHARES, _REFERRALS, _ORDERS):
            connection.execute(statement, values)
    run(shop.database, publish)


def accrue_by_job(shop: Shop) -> None:
    """Look at every order page by page, as a worker does."""
    at, zone = datetime.now(UTC), shop.settings.time_zone
    place = run(shop.database, service.first_place)
    while (page := run(shop.database, partial(service.accrue_page, after=place, at=at, zone=zone))).last is not None:
        place = page.last


def accrue_by_statement(shop: Shop) -> None:
    """Write the same rows in one statement that trusts everything."""
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(PLAIN, {"at": datetime.now(UTC), "basis_points": BASIS_POINTS})


def require_sums(shop: Shop, *, orders: int, is_proved: bool) -> None:
    """See that what members have is what the orders earned, and that the ledger of the job proves it.

    Raises:
        BenchFailed: something differs.
    """
    with psycopg.connect(shop.conninfo) as connection:
        row = connection.execute("SELECT sum(pending_fen), min(member_id) FROM earnings_accounts").fetchone()
    if row is None or row[0] != orders * 15_000 * BASIS_POINTS // 10_000:
        raise BenchFailed(f"{orders} orders were to earn, but the accounts hold {row}")
    proof = partial(verify, seal_key=shop.settings.seal_key, at=datetime.now(UTC), member_id=row[1])
    if is_proved and (found := run(shop.database, proof).discrepancies):
        raise BenchFailed(f"the ledger of money does not fit: {found[0]}")
