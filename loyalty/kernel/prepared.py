"""Prepared statements: constants of their modules, sent past SQLAlchemy on the paths that members and tills feel.

SQLAlchemy builds a statement once, when it is first sent, and the server prepares it once for each connection; after
that only its values go through. So a statement costs this process a tenth of what it does by way of a session.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Connection, Dialect, Engine, Executable, PoolProxiedConnection, event
from sqlalchemy.dialects.postgresql import psycopg as driver
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

COMPILER = "compiler"
"""Under this name a session finds the compiler of its database."""
_LINE = "line"


@dataclass(slots=True)
class Compiled:
    """A statement as the server gets it, how its values are made from the parameters, and what its rows are."""

    sql: bytes
    names: tuple[str, ...]
    defaults: Mapping[str, Any]
    converters: Mapping[str, Callable[[Any], Any]]
    row: Callable[[Sequence[Any]], Any] | None = None
    """Makes a named tuple; known from the first answer on."""

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the values in their order, as the driver takes them."""
        given = {**self.defaults, **parameters}
        for name, convert in self.converters.items():
            given[name] = convert(given[name])
        return [given[name] for name in self.names]

    def row_of(self, result: PGresult) -> Callable[[Sequence[Any]], Any]:
        """Return what makes a row of the values in it."""
        if self.row is None:
            columns = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
            self.row = namedtuple("Row", columns, rename=True)._make  # type: ignore[attr-defined]
        return self.row


class Compiler:
    """Compiles each statement once."""

    def __init__(self) -> None:
        self._dialect: Dialect = driver.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        self._compiled: WeakKeyDictionary[Executable, Compiled] = WeakKeyDictionary()

    def compiled(self, statement: Executable) -> Compiled:
        """Return a statement, at best a constant of its module, as it is sent."""
        return self._compiled.get(statement) or self._compile(statement)

    def _compile(self, statement: Executable) -> Compiled:
        assert isinstance(statement, ClauseElement)
        compiled = statement.compile(dialect=self._dialect)
        assert isinstance(compiled, SQLCompiler)
        varying = any(parameter.required for parameter in compiled.post_compile_params)
        assert not varying, "a statement of varying length cannot be prepared"
        required = {name for parameter, name in compiled.bind_names.items() if parameter.required}
        whole = compiled.construct_expanded_state(dict.fromkeys(required))
        converters = {
            name: converter
            for parameter, name in compiled.bind_names.items()
            if (converter := parameter.type.dialect_impl(self._dialect).bind_processor(self._dialect))
        }
        found = Compiled(
            sql=whole.statement.encode(),
            names=tuple(whole.positiontup or ()),
            defaults={name: value for name, value in whole.parameters.items() if name not in required},
            converters=converters,
        )
        self._compiled[statement] = found
        return found


class Line:
    """A connection, and the statements that are prepared on it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        context = connection.cursor()
        # One form of a statement for all numbers: by default the driver sends small ones as smaller types.
        context.adapters.register_dumper(int, Int8Dumper)
        self._transformer = Transformer.from_context(context)
        self._prepared: dict[tuple[bytes, tuple[int, ...] | None], bytes] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no transaction and no statement is under way."""
        return self.connection.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is under way, failed or not, and the server waits for what comes next."""
        return self.connection.pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    @property
    def is_lost(self) -> bool:
        """Whether the server is no longer there."""
        return self.connection.pgconn.status == ConnStatus.BAD

    def begin(self) -> None:
        """Begin a transaction; whoever ends it may be the driver."""
        self._checked(self.connection.pgconn.exec_(b"BEGIN"))

    def roll_back(self) -> None:
        """Undo the transaction under way, and keep what is prepared."""
        self.connection.pgconn.exec_(b"ROLLBACK")

    def send(self, compiled: Compiled, values: Sequence[Any]) -> list[Any]:
        """Send a statement; return its rows as named tuples.

        Raises:
            psycopg.Error: the server refused it, or the connection was lost on the way.
        """
        parameters = self._transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        result = self._answer(compiled.sql, parameters)
        if result.status != ExecStatus.TUPLES_OK:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, compiled.row_of(result))

    def _answer(self, sql: bytes, parameters: Sequence[Any]) -> PGresult:
        # Only calls that wait without the interpreter's lock: whoever holds the row may be a thread beside us.
        server, types, formats = self.connection.pgconn, self._transformer.types, self._transformer.formats
        if self.connection.prepare_threshold is None:  # behind a pooler, the next call may meet another server process
            return self._checked(server.exec_params(sql, parameters, types, formats))
        name = self._prepared.get((sql, types))
        if name is None:
            name = b"single_%d" % len(self._prepared)
            self._checked(server.prepare(name, sql, types))
            self._prepared[sql, types] = name
        return self._checked(server.exec_prepared(name, parameters, formats))

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        if self.is_lost:
            raise psycopg.OperationalError(result.get_error_message())
        error = error_from_result(result)
        if isinstance(error, InvalidSqlStatementName):
            self._prepared.clear()  # the driver has forgotten all that was prepared, its own and ours
        raise error


def send(session: Session, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """Send a constant of a module in the session's transaction; return its rows, whose columns are attributes.

    What the session has not flushed is not flushed first. A session that no ``Database`` opened sends it itself.

    Raises:
        psycopg.Error: the server refused it.
        DBAPIError: the connection was lost on the way; so it tells also what the session sends itself.
    """
    compiler = session.info.get(COMPILER)
    if compiler is None:
        return session.execute(statement, parameters).all()
    compiled = compiler.compiled(statement)
    values = compiled.values(parameters)
    connection = session.connection()
    line = line_of(connection.connection)
    try:
        if line.is_idle:
            line.begin()
        return line.send(compiled, values)
    except psycopg.OperationalError:
        if line.is_lost:
            connection.exec_driver_sql("SELECT 1")  # fails as well, and so SQLAlchemy learns that all are lost
        raise


def keep_through_rollbacks(engine: Engine) -> None:
    """Roll back ahead of the driver, which would throw away all that is prepared on the connection."""

    def roll_back(connection: Connection) -> None:
        line = None if connection.invalidated else connection.info.get(_LINE)
        if line is not None and line.is_in_transaction:
            line.roll_back()

    event.listen(engine, "rollback", roll_back)


def line_of(pooled: PoolProxiedConnection) -> Line:
    """Return the line of a connection of the pool, the same one for as long as the connection lives."""
    line = pooled.info.get(_LINE)
    if line is None:
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.Connection)
        line = pooled.info[_LINE] = Line(connection)
    assert isinstance(line, Line)
    return line
