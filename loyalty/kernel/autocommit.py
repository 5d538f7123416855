"""Single statements in autocommit, on connections taken from a short shelf."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, Executable, event

from loyalty.kernel.prepared import Compiler, Line, line_of

IDLE_MAX = 8
"""Connections that are kept; more than a process has threads to use at once."""


class Autocommit:
    """Sends statements, each a transaction of its own; safe to use from several threads."""

    def __init__(self, engine: Engine, compiler: Compiler) -> None:
        self._engine = engine
        self._compiler = compiler
        # Lists are popped and appended to by one thread at a time; the last used is the first to be used again.
        self._idle: list[Line] = []
        event.listen(engine, "engine_disposed", lambda _engine: self._close_idle())

    def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> list[Any]:
        """Send a statement, at best a constant of its module; return its rows as named tuples.

        Raises:
            psycopg.Error: the server refused it, or the connection was lost on the way.
        """
        compiled = self._compiler.compiled(statement)
        values = compiled.values(parameters)
        line = self._take()
        try:
            return line.send(compiled, values)
        finally:
            self._put_back(line)

    def forget(self) -> None:
        """Leave all connections to the parent process, which still talks on them."""
        self._idle = []

    def _take(self) -> Line:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> Line:
        pooled = self._engine.raw_connection()
        line = line_of(pooled)
        pooled.detach()
        line.connection.autocommit = True
        return line

    def _put_back(self, line: Line) -> None:
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
