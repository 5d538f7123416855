"""The transaction: the only code that commits.

One request, one job step or one page of a batch is one call of ``run``. Services flush and never
commit. A deadlock, a serialization failure or a connection lost before the commit began left
nothing behind, so the work runs again, twice at most.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.errors import Unavailable

Result = TypeVar("Result")

ATTEMPTS = 3
_DEADLOCK, _SERIALIZATION_FAILURE = "40P01", "40001"
_NO_LONGER_PREPARED = "26000"
"""The driver threw away what was prepared on its connection, as it does after a rollback to a savepoint."""


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or the connection broke while the commit was under way."""

    code = "database_unavailable"
    message = "系统繁忙，请稍后再试"


def run(database: Database, work: Callable[[Session], Result]) -> Result:
    """Do ``work`` in one transaction and commit it.

    Raises:
        DatabaseUnavailable: no connection, or it was lost too often or during the commit.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with database.session() as session:
            try:
                result = work(session)
                session.flush()
            except (psycopg.Error, DBAPIError) as error:
                if attempt < ATTEMPTS and _left_nothing_behind(error):
                    continue
                raise _translated(error) from error
            try:
                session.commit()
            except DBAPIError as error:
                if attempt < ATTEMPTS and _is_conflict(error):
                    continue
                raise _translated(error) from error
            return result
    raise AssertionError("unreachable: the last attempt returns or raises")


def run_single(database: Database, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """Send one statement as its own transaction and return its rows.

    For paths where BEGIN and COMMIT would cost more than the work; the statement must hold
    everything that has to happen together.

    Raises:
        DatabaseUnavailable: no connection, or it was lost while the statement ran.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return database.single(statement, parameters or {})
        except (psycopg.Error, DBAPIError) as error:
            if attempt < ATTEMPTS and _is_conflict(error):
                continue
            raise _translated(error) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


def _left_nothing_behind(error: psycopg.Error | DBAPIError) -> bool:
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_lost or _is_conflict(error)


def _is_conflict(error: psycopg.Error | DBAPIError) -> bool:
    return getattr(_of_driver(error), "sqlstate", None) in (
        _DEADLOCK,
        _SERIALIZATION_FAILURE,
        _NO_LONGER_PREPARED,
    )


def _translated(error: psycopg.Error | DBAPIError) -> Exception:
    cause = _of_driver(error)
    state = getattr(cause, "sqlstate", None) or ""
    cannot_connect = state.startswith(("08", "53", "57P")) or (
        not state and type(cause).__name__ in ("OperationalError", "ConnectionTimeout")
    )
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return DatabaseUnavailable() if is_lost or cannot_connect else error


def _of_driver(error: psycopg.Error | DBAPIError) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error
