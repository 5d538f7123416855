"""Single statements in autocommit, sent straight through the driver on the paths that members feel.

SQLAlchemy builds a statement once, when it is first sent, and the server prepares it once for each connection; after
that only its values go through, on a connection taken from a short shelf. So a statement costs this process a fifth
of what it does through a SQLAlchemy connection.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Dialect, Engine, Executable, event
from sqlalchemy.dialects.postgresql import psycopg as driver
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

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

    def row_of(self, result: PGresult) -> Callable[[Sequence[Any]], Any]:
        if self.row is None:
            columns = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
            self.row = namedtuple("Row", columns, rename=True)._make  # type: ignore[attr-defined]
        return self.row


class _Line:
    """A connection, and the statements that are prepared on it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        connection.autocommit = True
        # One form of a statement for all numbers: by default the driver sends small ones as smaller types.
        connection.adapters.register_dumper(int, Int8Dumper)
        self.connection = connection
        self._transformer = Transformer.from_context(connection)
        self._prepared: dict[tuple[bytes, tuple[int, ...] | None], bytes] = {}

    @property
    def is_idle(self) -> bool:
        return self.connection.pgconn.transaction_status == TransactionStatus.IDLE

    def send(self, compiled: _Compiled, values: Sequence[Any]) -> list[Any]:
        parameters = self._transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        result = self._answer(compiled.sql, parameters)
        if result.status != ExecStatus.TUPLES_OK:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, compiled.row_of(result))

    def _answer(self, sql: bytes, parameters: Sequence[Any]) -> PGresult:
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
        if self.connection.pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(result.get_error_message())
        raise error_from_result(result)


class Autocommit:
    """Sends statements, each a transaction of its own; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = driver.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        self._compiled: WeakKeyDictionary[Executable, _Compiled] = WeakKeyDictionary()
        # Lists are popped and appended to by one thread at a time; the last used is the first to be used again.
        self._idle: list[_Line] = []
        event.listen(engine, "engine_disposed", lambda _engine: self._close_idle())

    def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> list[Any]:
        """Send a statement, at best a constant of its module; return its rows as named tuples.

        Raises:
            psycopg.Error: the server refused it, or the connection was lost on the way.
        """
        compiled = self._compiled.get(statement) or self._compile(statement)
        values = compiled.values(parameters)
        line = self._take()
        try:
            return line.send(compiled, values)
        finally:
            self._put_back(line)

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

    def _take(self) -> _Line:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> _Line:
        fairy = self._engine.raw_connection()
        connection = fairy.driver_connection
        assert isinstance(connection, psycopg.Connection)
        fairy.detach()
        return _Line(connection)

    def _put_back(self, line: _Line) -> None:
        if not line.is_idle:
            # Lost. The others were opened to the same server, which has gone or was restarted.
            line.connection.close()
            self._close_idle()
        elif len(self._idle) < IDLE_MAX:
            self._idle.append(line)
        else:
            line.connection.close()

    def _close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for line in idle:
            line.connection.close()
