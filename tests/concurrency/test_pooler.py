"""Behind PgBouncer in transaction mode: many clients share few connections, and nothing stays on them."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run, run_single
from tests.support import engines
from tests.support.pgbouncer import SERVER_CONNECTIONS
from tests.support.races import at_once

pytestmark = pytest.mark.skipif(not engines.PGBOUNCER, reason="make check-pgbouncer runs these")
CLIENTS = 40
# psycopg prepares a statement on the server when it comes for the sixth time on one connection.
REPETITIONS = 12
BACKEND = text("SELECT pg_backend_pid() + 0 * CAST(:number AS bigint) AS backend")


def in_a_transaction(database: Database, number: int) -> int:
    return run(database, lambda session: session.scalars(BACKEND, {"number": number}).one())


def alone(database: Database, number: int) -> int:
    return run_single(database, BACKEND, {"number": number})[0].backend


@pytest.mark.parametrize("send", [in_a_transaction, alone])
def test_clients_that_repeat_a_statement_share_few_connections(
    committed_database: Database, send: Callable[[Database, int], int]
) -> None:
    answers = at_once([lambda: {send(committed_database, number) for number in range(REPETITIONS)}] * CLIENTS)

    assert 1 <= len(set().union(*answers)) <= SERVER_CONNECTIONS


def test_the_races_run_in_sessions_whose_time_zone_is_not_ours(committed_database: Database) -> None:
    assert run(committed_database, lambda session: session.scalar(text("SHOW timezone"))) == "Asia/Shanghai"
