"""Single statements in autocommit, sent straight through the driver on the paths that members feel.

SQLAlchemy builds a statement once, when it is first sent; after that only its values go through, on a connection
taken from a short shelf. A statement costs this process a third of what it does through SQLAlchemy's connections.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import namedtuple_row
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Dialect, Engine, Executable, event
from sqlalchemy.dialects.postgresql import psycopg as driver
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Cursor = psycopg.RawCursor[Any]
IDLE_MAX = 8
"""Connections that are kept; more than a process has threads to use at once."""


@dataclass(slots=True)
class _Compiled:
    """A statement as the server gets it, how its values are made from the parameters, and what its rows are."""

    sql: bytes
    names: tuple[str, ...]
    defaults: Mapping[str, Any]
    converters: Mapping[str, Callable[[Any], Any]]
    row: Callable[[Sequence[Any]], Any] | None = None
    """Makes a named tuple; known from the first answer on."""

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        given = {**self.defaults, **parameters}
        for name, convert in self.converters.items():
            given[name] = convert(given[name])
        return [given[name] for name in self.names]

    def rows(self, cursor: Cursor) -> list[Any]:
        if cursor.pgresult is None or cursor.pgresult.status != ExecStatus.TUPLES_OK:
            return []
        if self.row is None:
            self.row = namedtuple_row(cursor)
        return [self.row(values) for values in cursor.fetchall()]


class Autocommit:
    """Sends statements, each a transaction of its own; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = driver.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        self._compiled: WeakKeyDictionary[Executable, _Compiled] = WeakKeyDictionary()
        # Lists are popped and appended to by one thread at a time; the last used is the first to be used again.
        self._idle: list[Cursor] = []
        event.listen(engine, "engine_disposed", lambda _engine: self._close_idle())

    def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> list[Any]:
        """Send a statement, at best a constant of its module; return its rows as named tuples.

        Raises:
            psycopg.Error: the server refused it, or the connection was lost on the way.
        """
        compiled = self._compiled.get(statement) or self._compile(statement)
        cursor = self._take()
        try:
            cursor.execute(compiled.sql, compiled.values(parameters))
            return compiled.rows(cursor)
        finally:
            self._put_back(cursor)

    def forget(self) -> None:
        """Leave all connections to the parent process, which still talks on them."""
        self._idle = []

    def _compile(self, statement: Executable) -> _Compiled:
        assert isinstance(statement, ClauseElement)
        compiled = statement.compile(dialect=self._dialect)
        assert isinstance(compiled, SQLCompiler)
        assert not compiled.post_compile_params, "a statement of varying length cannot be prepared"
        converters = {
            name: converter
            for parameter, name in compiled.bind_names.items()
            if (converter := parameter.type.dialect_impl(self._dialect).bind_processor(self._dialect))
        }
        found = _Compiled(
            sql=str(compiled).encode(),
            names=tuple(compiled.positiontup or ()),
            defaults={
                name: parameter.effective_value
                for parameter, name in compiled.bind_names.items()
                if not parameter.required
            },
            converters=converters,
        )
        self._compiled[statement] = found
        return found

    def _take(self) -> Cursor:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> Cursor:
        fairy = self._engine.raw_connection()
        connection = fairy.driver_connection
        assert isinstance(connection, psycopg.Connection)
        fairy.detach()
        connection.autocommit = True
        # One form of a statement for all numbers: by default the driver sends small ones as smaller types.
        connection.adapters.register_dumper(int, Int8Dumper)
        return psycopg.RawCursor(connection)

    def _put_back(self, cursor: Cursor) -> None:
        if cursor.connection.pgconn.transaction_status != TransactionStatus.IDLE:
            # Lost, or interrupted before its answer came. The others were opened to the same server.
            cursor.connection.close()
            self._close_idle()
        elif len(self._idle) < IDLE_MAX:
            self._idle.append(cursor)
        else:
            cursor.connection.close()

    def _close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for cursor in idle:
            cursor.connection.close()
