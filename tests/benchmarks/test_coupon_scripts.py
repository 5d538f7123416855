"""The scripts that claims and redemptions are held against write the rows that the services write."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from benchmarks.books import Books
from benchmarks.couponing import fill_wallets, issue_one, make_template, require_exact
from benchmarks.issuing import COUNTED, PLAIN, approved_job, issue_by_statement, issue_job
from benchmarks.pgbench import run_pgbench
from benchmarks.redeeming import BASKET
from benchmarks.rows import claim, redeem
from benchmarks.stand import Shop
from loyalty.coupons.held import Use
from loyalty.coupons.service.claiming import claim as claim_coupon
from loyalty.coupons.service.redeeming import redeem as redeem_coupons
from loyalty.kernel.transaction import run
from tests.factories.coupons import SHANGHAI
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.support import engines
from tests.support.containers import null_container

ROWS_OF_A_CLAIM = {"coupons": 1, "outbox_events": 1}


@pytest.fixture
def member_ids(shop: Shop) -> tuple[int, int]:
    return run(shop.database, lambda session: (make_member(session).id, make_member(session).id))


def variables_for(member_id: int, **others: int) -> dict[str, object]:
    return {"n": 0, "clients": 1, "first_id": member_id, "members": 1, "number": member_id, **others}


def events_of(shop: Shop, kind: str) -> list[set[str]]:
    """What the payloads of the last two events of a kind name."""
    query = "SELECT payload FROM outbox_events WHERE kind = %s ORDER BY id DESC LIMIT 2"
    with psycopg.connect(shop.conninfo) as connection:
        return [set(row[0]) for row in connection.execute(query, (kind,))]


def last_two(shop: Shop, table: str) -> list[dict[str, Any]]:
    with psycopg.connect(shop.conninfo, row_factory=dict_row) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 2").fetchall()


@pytest.mark.parametrize("script", [claim.BUCKETS, claim.SINGLE_ROW], ids=lambda path: path.stem)
def test_a_claim(shop: Shop, member_ids: tuple[int, int], script: Any) -> None:
    template = make_template(shop)
    issue_one(shop, template, member_id=member_ids[0])
    run(
        shop.database,
        lambda session: claim_coupon(
            session, template_id=template.id, member_id=member_ids[0], key="bench", at=datetime.now(UTC), zone=SHANGHAI
        ),
    )
    books = Books(shop, ROWS_OF_A_CLAIM)

    variables = variables_for(member_ids[1], template_id=template.id, revision_id=template.revision_id)
    run_pgbench(shop.conninfo, script, clients=1, transactions=1, variables=variables)

    books.expect(1, by="the script")
    assert require_exact(shop, template) == 3
    scripted, served = last_two(shop, "coupons")
    differing = {name for name in scripted if scripted[name] != served[name]}
    assert differing <= {"id", "member_id", "reference", "issued_at", "usable_at", "expires_at"}
    by_script, by_service = events_of(shop, "coupon.issued")
    assert by_script == by_service


def test_a_redemption(shop: Shop, member_ids: tuple[int, int]) -> None:
    template, store_id = make_template(shop), run(shop.database, lambda session: make_store(session).id)
    fill_wallets(shop, template, first=member_ids[0], last=member_ids[1], each=2)
    ours = last_two(shop, "coupons")[0]
    use = Use(store_id, "pos", BASKET, datetime.now(UTC))
    run(
        shop.database,
        lambda session: redeem_coupons(
            session, member_id=ours["member_id"], coupon_ids=[ours["id"]], reference="bench", use=use, zone=SHANGHAI,
            actor="system",
        ),
    )  # fmt: skip
    books = Books(shop, redeem.ROWS_OF_A_REDEMPTION)

    variables = variables_for(member_ids[0], store_id=store_id)
    run_pgbench(shop.conninfo, redeem.SCRIPT, clients=1, transactions=1, variables=variables)

    books.expect(1, by="the script")
    scripted, served = last_two(shop, "coupon_redemptions")
    differing = {name for name in scripted if scripted[name] != served[name]}
    assert differing == {"id", "coupon_id", "member_id", "reference", "redeemed_at"}
    by_script, by_service = events_of(shop, "coupon.redeemed")
    assert by_script == by_service


def test_coupons_for_many(shop: Shop, member_ids: tuple[int, int]) -> None:
    container = null_container(shop.database, redis_url=engines.redis_url(), at=datetime.now(UTC))
    job_id = approved_job(container)
    issue_job(container, job_id)
    served = what_a_job_left(shop, job_id)

    for statement in (PLAIN, COUNTED):
        forget_what_a_job_left(shop, job_id)
        issue_by_statement(statement, container, job_id)
        assert what_a_job_left(shop, job_id) == served

    assert set(member_ids) <= {member_id for member_id, *_ in served[0]}


def what_a_job_left(shop: Shop, job_id: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Its coupons, the members' own counters, and how much of the stock is in use."""
    with psycopg.connect(shop.conninfo) as connection:
        return (
            connection.execute(_COUPONS_OF_A_JOB, {"job_id": job_id}).fetchall(),
            connection.execute(_COUNTERS_OF_A_JOB, {"job_id": job_id}).fetchall(),
        )


def forget_what_a_job_left(shop: Shop, job_id: int) -> None:
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute("DELETE FROM coupons WHERE reference = 'issue_job:' || %s", (job_id,))
        connection.execute(f"DELETE FROM limit_counters WHERE subject = ({_SUBJECT})", {"job_id": job_id})


_SUBJECT = "SELECT 'coupon_template:' || template_id FROM coupon_issue_jobs WHERE id = %(job_id)s"
_COUPONS_OF_A_JOB = """SELECT member_id, template_id, revision_id, path, store_id, actor, points_paid, state
FROM coupons WHERE reference = 'issue_job:' || %(job_id)s ORDER BY member_id"""
_COUNTERS_OF_A_JOB = f"""SELECT entity, period, sum(used) FROM limit_counters WHERE subject = ({_SUBJECT})
GROUP BY entity, period ORDER BY entity, period"""
