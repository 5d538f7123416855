"""The script that check-ins are held against writes the very rows that the service writes."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.books import ROWS_OF_A_CHECK_IN, Books, require_green
from benchmarks.failures import BenchFailed
from benchmarks.pgbench import run_pgbench
from benchmarks.rows.check_in import SCRIPT
from benchmarks.stand import Shop
from loyalty.check_ins.rules import DEFAULT_PLAN
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.points.service import open_account
from tests.factories.check_ins import check_in_on, make_plan, noon_of
from tests.factories.members import make_member

DAY = date(2026, 3, 10)
# What must differ: who and when it was, under which ids, and what follows from these.
OWN = {"id", "entry_id", "member_id", "actor", "digest", "chain_head", "plan_revision", "idempotency_key"}
INSTANTS = {"checked_in_at", "occurred_at", "recorded_at", "opened_at", "available_at", "last_activity_at", "due_at"}
QUERIES = {
    "check_ins": "SELECT * FROM check_ins WHERE member_id = :member_id",
    "ledger_entries": "SELECT * FROM ledger_entries WHERE member_id = :member_id",
    "lots": "SELECT * FROM lots WHERE member_id = :member_id",
    "points_accounts": "SELECT balance, held, debt, last_sequence, last_activity_at, length(chain_head)"
    " FROM points_accounts WHERE member_id = :member_id",
    "outbox_events": "SELECT * FROM outbox_events WHERE payload->>'member_id' = :member_id ::text ORDER BY kind",
}


@pytest.fixture
def members(shop: Shop) -> tuple[int, int]:
    """Two members with accounts, and the plan that the script pays by."""

    def make(session: Session) -> int:
        member_id = make_member(session).id
        open_account(session, member_id=member_id, at=noon_of(DAY))
        return member_id

    run(shop.database, lambda session: make_plan(session, DEFAULT_PLAN))
    return run(shop.database, make), run(shop.database, make)


def write_by_script(shop: Shop, member_id: int) -> None:
    variables = {"n": 0, "clients": 1, "first_id": member_id, "day": DAY.isoformat()}
    assert run_pgbench(shop.conninfo, SCRIPT, clients=1, transactions=1, variables=variables).done == 1


def add(database: Database, member_id: int, points: int) -> None:
    """Falsify a balance."""
    changed = text("UPDATE points_accounts SET balance = balance + :points WHERE member_id = :member_id")
    run(database, lambda session: session.execute(changed, {"member_id": member_id, "points": points}))


def rows_of(database: Database, member_id: int) -> dict[str, list[dict[str, Any]]]:
    def read(session: Any) -> dict[str, list[dict[str, Any]]]:
        return {
            table: [_comparable(row) for row in session.execute(text(query), {"member_id": member_id}).mappings()]
            for table, query in QUERIES.items()
        }

    return run(database, read)


def _comparable(row: Any) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in OWN | INSTANTS}
    for name in ("explanation", "payload"):
        if name in kept:
            kept[name] = {key: value for key, value in kept[name].items() if key not in OWN | INSTANTS}
    filled = {name: row[name] is not None for name in row if name in OWN | INSTANTS}
    return kept | {"filled": filled, "instants": len({row[name] for name in INSTANTS - {"due_at"} if name in row})}


def test_the_script_writes_the_rows_of_the_service(shop: Shop, members: tuple[int, int]) -> None:
    by_service, by_script = members
    check_in_on(shop.database, by_service, DAY)
    write_by_script(shop, by_script)

    rows = rows_of(shop.database, by_script)
    assert {table: len(found) for table, found in rows.items()} == ROWS_OF_A_CHECK_IN | {"points_accounts": 1}
    assert rows == rows_of(shop.database, by_service)


def test_the_scripts_chain_is_proved_with_all_others(shop: Shop, members: tuple[int, int]) -> None:
    check_in_on(shop.database, members[0], DAY - timedelta(days=1))
    for member_id in members:
        write_by_script(shop, member_id)
        require_green(shop, member_id=member_id)


class TestBooks:
    def test_fit_when_as_many_rows_came_as_were_answered(self, shop: Shop, members: tuple[int, int]) -> None:
        books = Books(shop, ROWS_OF_A_CHECK_IN)
        check_in_on(shop.database, members[0], DAY)
        books.expect(1, by="the service")
        write_by_script(shop, members[1])
        books.expect(1, by="pgbench")

    @pytest.mark.parametrize("answered", [0, 2], ids=["doubled", "lost"])
    def test_do_not_fit_otherwise(self, shop: Shop, members: tuple[int, int], answered: int) -> None:
        books = Books(shop, ROWS_OF_A_CHECK_IN)
        check_in_on(shop.database, members[0], DAY)

        with pytest.raises(BenchFailed, match="rows written"):
            books.expect(answered, by="the service")

    def test_a_changed_figure_is_named(self, shop: Shop, members: tuple[int, int]) -> None:
        check_in_on(shop.database, members[0], DAY)
        add(shop.database, members[0], 1)

        with pytest.raises(BenchFailed, match="points_accounts"):
            require_green(shop, member_id=members[0])
        add(shop.database, members[0], -1)


def test_a_script_that_fails_is_told(shop: Shop) -> None:
    with pytest.raises(BenchFailed, match="check_in.sql"):
        write_by_script(shop, member_id=2**40)
