"""Single statements, sent past SQLAlchemy's connections: values, rows, lost connections and forks."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest
from sqlalchemy import BigInteger, Date, DateTime, LargeBinary, String, bindparam, column, func, select, text, values
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from loyalty.kernel.autocommit import IDLE_MAX, Autocommit
from loyalty.kernel.database import Database, connect
from loyalty.kernel.transaction import DatabaseUnavailable, run, run_single
from tests.support import engines
from tests.support.races import at_once

TYPES = {
    "number": BigInteger(),
    "word": String(),
    "day": Date(),
    "instant": DateTime(timezone=True),
    "document": JSONB(),
    "blob": LargeBinary(),
    "numbers": ARRAY(BigInteger()),
}
ECHO = select(*(bindparam(name, type_=type_).label(name) for name, type_ in TYPES.items()))
NUMBER = select(bindparam("number", type_=BigInteger).label("number"), func.pg_backend_pid().label("pid"))
BY_DEFAULT = select((bindparam("number", type_=BigInteger) + 41).label("sum"))


@pytest.fixture
def committing(committed_address: engines.Address) -> Iterator[Database]:
    """A database of the test's own, whose connections it may break."""
    database = connect(committed_address.url, pooling=committed_address.pooling, connections=2)
    yield database
    database.engine.dispose()


def backend(database: Database) -> int:
    return int(run_single(database, NUMBER, {"number": 1})[0].pid)


def test_values_of_every_type_come_back_as_they_went(committing: Database) -> None:
    given = {
        "number": 2**40,
        "word": "连续签到 %s 100% :x $1",
        "day": date(2026, 3, 10),
        "instant": datetime(2026, 3, 10, 2, 0, 0, 123456, tzinfo=UTC),
        "document": {"rule": "check_in", "名": ["一", None, 1]},
        "blob": b"\x00\xff",
        "numbers": [1, 2**40],
    }

    (row,) = run_single(committing, ECHO, given)

    assert row._asdict() == given


def test_null_stays_null(committing: Database) -> None:
    (row,) = run_single(committing, ECHO, dict.fromkeys(TYPES))

    assert set(row._asdict().values()) == {None}


def test_a_value_may_follow_a_null(committing: Database) -> None:
    for blob in (None, b"\x00\xff", None):
        assert run_single(committing, ECHO, {**dict.fromkeys(TYPES), "blob": blob})[0].blob == blob


def test_constants_of_a_statement_need_not_be_given(committing: Database) -> None:
    assert run_single(committing, BY_DEFAULT, {"number": 1})[0].sum == 42


def test_a_parameter_left_out_is_an_error_not_a_null(committing: Database) -> None:
    with pytest.raises(KeyError, match="number"):
        run_single(committing, BY_DEFAULT)


def test_a_statement_without_rows_returns_none(committing: Database) -> None:
    assert run_single(committing, text("SET application_name = 'bench'")) == []
    assert (
        run_single(committing, select(values(column("x", BigInteger)).data([(1,)]).alias()).where(text("false"))) == []
    )


def test_all_numbers_share_one_prepared_form(committing: Database) -> None:
    for number in (1, 40_000, 2**40) * 6:
        run_single(committing, NUMBER, {"number": number})

    prepared = run_single(committing, text("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%pid%'"))
    assert len([row for row in prepared if "pg_backend_pid" in row.statement]) == 1


def test_an_error_of_the_statement_leaves_the_connection_usable(committing: Database) -> None:
    before = backend(committing)

    with pytest.raises(psycopg.errors.DivisionByZero):
        run_single(committing, text("SELECT 1 / 0"))

    assert backend(committing) == before


def test_a_lost_connection_is_told_and_the_next_statement_has_another(
    committing: Database, committed_database: Database
) -> None:
    lost = backend(committing)
    end = text(f"SELECT pg_terminate_backend({lost}, 10000)")
    assert run(committed_database, lambda session: session.scalar(end))

    with pytest.raises(DatabaseUnavailable):
        run_single(committing, NUMBER, {"number": 1})

    assert backend(committing) != lost


def test_an_answer_that_was_not_taken_is_never_given_to_another(committing: Database) -> None:
    def interrupt(_signal: int, _frame: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(TimeoutError):
            run_single(committing, text("SELECT pg_sleep(0.2)"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

    (row,) = run_single(committing, NUMBER, {"number": 7})
    assert row.number == 7


def test_threads_get_connections_of_their_own_and_few_are_kept(committing: Database) -> None:
    numbers = list(range(IDLE_MAX * 2))

    rows = at_once(
        [lambda number=number: run_single(committing, NUMBER, {"number": number})[0].number for number in numbers]
    )

    assert sorted(rows) == numbers
    assert 0 < len(_kept(committing)._idle) <= IDLE_MAX


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_leaves_the_connections_to_its_parent(committing: Database) -> None:
    before = backend(committing)
    child = os.fork()
    if child == 0:
        is_apart = False
        try:
            is_apart = backend(committing) != before
        finally:
            os._exit(0 if is_apart else 1)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert backend(committing) == before


def test_disposing_of_the_engine_closes_what_is_kept(committing: Database) -> None:
    backend(committing)

    committing.engine.dispose()

    assert _kept(committing)._idle == []


def _kept(database: Database) -> Autocommit:
    return database._autocommit
