"""Changing rows as the superuser could, who alone can write past triggers and foreign keys."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.orm import Session


@contextmanager
def superuser(database_url: str) -> Iterator[Connection]:
    """Connect as the superuser, and leave nothing behind."""
    with rolled_back(make_url(database_url).set(username="postgres").render_as_string(hide_password=False)) as one:
        yield one


@contextmanager
def rolled_back(url: str) -> Iterator[Connection]:
    """Connect by a URL, and leave nothing behind."""
    engine = create_engine(url)
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()
    engine.dispose()


@contextmanager
def past_triggers(session: Session) -> Iterator[None]:
    """Let no trigger and no foreign key be looked at meanwhile."""
    session.flush()
    session.execute(text("SET LOCAL session_replication_role = replica"))
    yield
    session.execute(text("SET LOCAL session_replication_role = origin"))


def tamper_with(session: Session, statement: str, *, member_id: int) -> None:
    """Change rows, of the member that the statement calls ``:m`` or of everybody."""
    with past_triggers(session):
        changed = session.execute(text(statement), {"m": member_id})
    assert changed.rowcount > 0  # type: ignore[attr-defined]
