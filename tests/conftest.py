"""Fixtures: a real PostgreSQL and Redis, one database for each process, a savepoint for each test.

The schema is built by the migrations once for each state of ``migrations/`` and copied as a template.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection
from sqlalchemy.orm import Session
from xdist.remote import Producer

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database, connect
from tests.support import engines, proof, settings
from tests.support.browser import browser as browser
from tests.support.containers import NullContainer, null_container
from tests.support.databases import SavepointDatabase
from tests.support.scheduling import SystemScheduling
from tests.support.statements import StatementCounter


def pytest_configure(config: pytest.Config) -> None:
    if proof.IS_FULL:
        hypothesis.settings.register_profile("full", max_examples=proof.EXAMPLES_IN_FULL)
        hypothesis.settings.load_profile("full")
    if not hasattr(config, "workerinput"):
        engines.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        engines.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SystemScheduling:
    return SystemScheduling(config, log)


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """The address of this process's own migrated database, as the role the application uses."""
    with engines.migrated_database("savepoint") as url:
        yield url


@pytest.fixture(scope="session")
def committed_address() -> Iterator[engines.Address]:
    """The address of a second migrated database, in which tests of races really commit."""
    with engines.served_database("committed") as address:
        yield address


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The address of a Redis database of this process's own."""
    return engines.redis_url()


@pytest.fixture(scope="session")
def _engine(database_url: str) -> Iterator[Database]:
    database = connect(database_url, connections=1)
    yield database
    database.engine.dispose()


@pytest.fixture
def connection(_engine: Database) -> Iterator[Connection]:
    with _engine.engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture
def database(connection: Connection) -> Database:
    """A database whose transactions are savepoints of one that is rolled back after the test."""
    return SavepointDatabase(connection)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.session() as session:
        yield session
        session.flush()


@pytest.fixture(scope="session")
def committed_database(committed_address: engines.Address) -> Iterator[Database]:
    """A pooled database that commits for real, for races; use members of the test's own."""
    database = connect(committed_address.url, pooling=committed_address.pooling, connections=64)
    yield database
    database.engine.dispose()


@pytest.fixture
def statements(connection: Connection) -> Iterator[StatementCounter]:
    """Counts what is sent to the savepoint database, its savepoints left out."""
    with StatementCounter(connection) as counter:
        yield counter


@pytest.fixture
def at() -> datetime:
    """10:00 in Shanghai on an ordinary Tuesday."""
    return datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def zone() -> ZoneInfo:
    return ZoneInfo("Asia/Shanghai")


@pytest.fixture
def vault() -> Vault:
    return settings.VAULT


@pytest.fixture
def container(database: Database, redis_url: str, at: datetime) -> NullContainer:
    """Gateways that call nobody, a clock that stands at ``at``, a database that is rolled back."""
    return null_container(database, redis_url=redis_url, at=at)


@pytest.fixture
def app(container: NullContainer) -> Flask:
    """The whole application; a fault of ours surfaces instead of becoming a 500."""
    from app import create_app

    app = create_app(container)
    app.testing = True
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
