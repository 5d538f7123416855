"""A database that leaves nothing behind."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database


class SavepointDatabase(Database):
    """Every transaction is a savepoint on one connection, which its owner rolls back."""

    def __init__(self, connection: Connection) -> None:
        self.engine = connection.engine
        self._connection = connection

    @contextmanager
    def session(self) -> Iterator[Session]:
        with Session(self._connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session

    def single(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Any]:
        with self._connection.begin_nested():
            return list(self._connection.execute(statement, parameters))
