"""Statements of a session's transaction, sent past SQLAlchemy: one transaction, whatever is sent which way."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import BigInteger, Executable, Integer, bindparam, func, select, text
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database, connect
from loyalty.kernel.prepared import send
from loyalty.kernel.transaction import DatabaseUnavailable, run
from tests.support import engines

NUMBER = select(bindparam("number", type_=BigInteger).label("number"), func.pg_backend_pid().label("pid"))
ONE_OF_TWO = select(bindparam("number", type_=BigInteger).in_([1, 2]).label("is_one"))
ONE_OF_MANY = select(func.now()).where(bindparam("number", type_=BigInteger).in_(bindparam("all", expanding=True)))
QUOTIENT = select((bindparam("number", type_=Integer) / func.coalesce(bindparam("by", type_=Integer), 1)).label("it"))
CURRENT_TRANSACTION = select(func.pg_current_xact_id().label("id"))
PREPARED = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%pg_backend_pid%'")


@pytest.fixture
def committing(committed_address: engines.Address) -> Iterator[Database]:
    """A database of the test's own with a single connection, which it may break."""
    database = connect(committed_address.url, pooling=committed_address.pooling, connections=1)
    yield database
    database.engine.dispose()


@pytest.fixture
def preparing(committing: Database, committed_address: engines.Address) -> Database:
    """One whose connection goes to the server itself, where statements stay prepared."""
    if committed_address.pooling == "transaction":
        pytest.skip("a pooler keeps nothing prepared")
    return committing


def test_both_ways_are_one_transaction_whichever_comes_first(committing: Database) -> None:
    def ids(session: Session) -> list[str]:
        return [
            str(send(session, CURRENT_TRANSACTION, {})[0].id),
            str(session.scalar(CURRENT_TRANSACTION)),
            str(send(session, CURRENT_TRANSACTION, {})[0].id),
        ]

    first, second = (set(run(committing, ids)) for _ in range(2))

    assert len(first) == len(second) == 1
    assert first != second


def test_what_is_sent_is_rolled_back_with_everything_else(committing: Database) -> None:
    def fail(session: Session) -> None:
        send(session, text("CREATE TABLE never_kept ()"), {})
        raise KeyError

    with pytest.raises(KeyError):
        run(committing, fail)

    assert run(committing, lambda session: session.scalar(text("SELECT to_regclass('never_kept')"))) is None


def test_constants_in_a_list_are_part_of_the_statement_and_a_varying_list_is_refused(committing: Database) -> None:
    assert [_first(committing, ONE_OF_TWO, number=number).is_one for number in (1, 2, 3)] == [True, True, False]

    with pytest.raises(AssertionError, match="varying length"):
        _first(committing, ONE_OF_MANY, number=1, all=[1, 2])


def test_a_refusal_of_the_server_is_told_and_undoes_the_transaction(committing: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        _first(committing, QUOTIENT, number=1, by=0)

    assert _first(committing, QUOTIENT, number=4, by=2).it == 2


def test_a_rollback_throws_nothing_away_that_was_prepared(preparing: Database) -> None:
    def fail(session: Session) -> None:
        send(session, NUMBER, {"number": 1})
        for _ in range(6):  # from the sixth time on, the driver has it prepared as well
            session.execute(PREPARED)
        raise KeyError

    with pytest.raises(KeyError):
        run(preparing, fail)

    assert run(preparing, lambda session: session.scalar(PREPARED)) >= 1


def test_what_somebody_else_threw_away_is_prepared_anew(preparing: Database) -> None:
    _first(preparing, NUMBER, number=1)
    run(preparing, lambda session: session.execute(text("DEALLOCATE ALL")))

    assert [_first(preparing, NUMBER, number=number).number for number in (2, 3)] == [2, 3]


def test_a_connection_lost_before_the_commit_is_replaced_and_the_work_done_again(
    committing: Database, committed_database: Database
) -> None:
    seen: list[int] = []

    def work(session: Session) -> None:
        seen.append(send(session, NUMBER, {"number": 1})[0].pid)
        if len(seen) == 1:
            end = text(f"SELECT pg_terminate_backend({seen[0]}, 10000)")
            assert run(committed_database, lambda other: other.scalar(end))
        send(session, NUMBER, {"number": 2})

    run(committing, work)

    assert len(set(seen)) == 2


def test_a_server_that_keeps_hanging_up_is_told_as_unavailable(
    committing: Database, committed_database: Database
) -> None:
    def work(session: Session) -> None:
        pid = send(session, NUMBER, {"number": 1})[0].pid
        run(committed_database, lambda other: other.scalar(text(f"SELECT pg_terminate_backend({pid}, 10000)")))
        send(session, NUMBER, {"number": 2})

    with pytest.raises(DatabaseUnavailable):
        run(committing, work)


def _first(database: Database, statement: Executable, **values: object) -> Any:
    return run(database, lambda session: send(session, statement, values)[0])
