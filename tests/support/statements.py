"""Counts statements, so that a test can pin how many a use case sends."""

from typing import Any, Self

from sqlalchemy import Connection, event

_OF_THE_FIXTURE = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


class StatementCounter:
    """Remembers what a connection sends while it is entered."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sent: list[str] = []

    def __enter__(self) -> Self:
        event.listen(self._connection, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_exception: object) -> None:
        event.remove(self._connection, "before_cursor_execute", self._note)

    def clear(self) -> None:
        """Start counting again."""
        self.sent.clear()

    @property
    def count(self) -> int:
        """How many statements were sent."""
        return len(self.sent)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(_OF_THE_FIXTURE):
            self.sent.append(statement)
