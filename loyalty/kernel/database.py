"""The database: one engine for a process, one declarative base, names for every constraint.

Connections never cross a fork: a pooled socket shared by parent and child mixes their answers.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from sqlalchemy import BigInteger, DateTime, Engine, Executable, MetaData, Row, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session

from loyalty.kernel.autocommit import Autocommit
from loyalty.kernel.prepared import COMPILER, Compiler, keep_through_rollbacks

__all__ = ["AnyRow", "Base", "Database", "Json", "Pooling", "Session", "connect"]
# ``Session`` is offered here for the doors, which import nothing from SQLAlchemy themselves.

Pooling = Literal["session", "transaction"]
Json = dict[str, Any]
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of a statement whose columns the type checker need not follow."""


class Base(DeclarativeBase):
    """All tables. Instants are aware UTC, identities are bigint, documents are JSONB."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        int: BigInteger,
        datetime: DateTime(timezone=True),
        Json: JSONB,
    }


class Database:
    """Sessions for transactions, and single statements in autocommit."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._compiler = Compiler()
        self._autocommit = Autocommit(engine, self._compiler)
        keep_through_rollbacks(engine)
        os.register_at_fork(after_in_child=self._begin_anew)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session; closing it without a commit rolls back."""
        with Session(self.engine, expire_on_commit=False, info={COMPILER: self._compiler}) as session:
            yield session

    def single(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Send one statement as its own transaction; return its rows, whose columns are attributes."""
        return self._autocommit.rows(statement, parameters)

    def _begin_anew(self) -> None:
        self._autocommit.forget()
        self.engine.dispose(close=False)


def connect(url: str, *, pooling: Pooling = "session", connections: int = 4) -> Database:
    """Make the process's database.

    ``pooling`` is ``transaction`` behind PgBouncer in transaction mode, where server-side prepared
    statements may not be used. ``connections`` should be the number of threads that serve
    requests: more concurrent transactions than cores only cost.
    """
    arguments: dict[str, Any] = {"connect_timeout": 5, "options": "-c timezone=UTC"}
    if pooling == "transaction":
        arguments["prepare_threshold"] = None
        del arguments["options"]
    engine = create_engine(
        _with_driver(url),
        pool_size=connections,
        max_overflow=connections,
        connect_args=arguments,
        hide_parameters=True,  # personal data must not reach logs by way of an error's text
    )
    return Database(engine)


def _with_driver(url: str) -> str:
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url
