"""The schema's version: a process refuses to serve on tables it was not written for."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run, run_single

HEAD_FILE = Path(__file__).parents[2] / "migrations" / "HEAD"


class StaleSchema(Exception):
    """The database is not at the migration this code was written for."""


def require_current(database: Database) -> None:
    """Compare the database with ``migrations/HEAD``.

    Raises:
        StaleSchema: with what was found and how to mend it.
        DatabaseUnavailable: the database does not answer.
    """
    expected = HEAD_FILE.read_text().strip()
    found = run(database, _version)
    if found != expected:
        raise StaleSchema(
            f"The database is at migration {found or 'none'}, this release needs {expected}."
            " Run: flask --app app db upgrade"
        )


def ping(database: Database) -> None:
    """Ask the database for a sign of life.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    run_single(database, text("SELECT 1"))


def _version(session: Session) -> str | None:
    if session.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    return str(session.scalar(text("SELECT version_num FROM alembic_version")))
