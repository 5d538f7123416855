"""Demo chains seeded by the command, in databases of their own: the seed commits from several threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from loyalty.kernel.database import Database, connect
from tests.support import engines
from tests.support.containers import NullContainer, null_container

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
MEMBERS = 12
WITH_SANDBOX = {"WECHAT_SANDBOX_URL": "http://127.0.0.1:1"}
Demo = Callable[..., Result]


def demo(container: NullContainer, *arguments: str) -> Result:
    """Run a command of the group ``demo``."""
    return create_app(container).test_cli_runner().invoke(args=["demo", *arguments])


@cache
def redis_of_demos() -> str:
    return engines.redis_url()


def container_on(database: Database, **changes: str) -> NullContainer:
    return null_container(database, redis_url=redis_of_demos(), at=AT, **(WITH_SANDBOX | changes))


@contextmanager
def empty_chain() -> Iterator[Database]:
    with engines.migrated_database("demo") as url:
        database = connect(url)
        yield database
        database.engine.dispose()


@pytest.fixture
def fresh_database() -> Iterator[Database]:
    """A database that nothing was seeded into."""
    with empty_chain() as database:
        yield database


@pytest.fixture(scope="module")
def seeded() -> Iterator[NullContainer]:
    """A container whose chain was seeded beside a sandbox that answers; tests only look at it."""
    with empty_chain() as database:
        container = container_on(database)
        result = demo(container, "seed", "--members", str(MEMBERS))
        assert result.exit_code == 0, result.output
        yield container


@pytest.fixture
def seeded_app(seeded: NullContainer) -> Flask:
    app = create_app(seeded)
    app.testing = True
    return app
