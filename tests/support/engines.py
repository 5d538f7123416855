"""The engines of the tests: started once for all processes, databases copied from a template.

``TEST_POSTGRES_BIN`` names the folder of another PostgreSQL's programs than the wheel's. ``TEST_PGBOUNCER`` names a
PgBouncer through which the databases go that tests commit to.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from flask import Flask
from flask_migrate import Migrate, upgrade
from sqlalchemy import make_url

from loyalty.kernel.database import Pooling, connect
from tests.support.container_stub import MigrationContainer
from tests.support.pgbouncer import pooled
from trial import processes
from trial.engines.postgres import PostgresServer, find_postgres, start_postgres
from trial.engines.valkey import find_valkey, start_valkey

ROOT = Path(__file__).parents[2]
DATA = ROOT / "var" / "tests"
REDIS_DATABASES = 16
POSTGRES_BIN = os.environ.get("TEST_POSTGRES_BIN", "")
PGBOUNCER = os.environ.get("TEST_PGBOUNCER", "")
# Each PostgreSQL has a data folder of its own: none reads that of another version.
POSTGRES_DATA = DATA / "-".join(["postgres", *Path(POSTGRES_BIN).parts[1:]])
_use: list[int] = []
"""Of the process that leads a run: its shared lock, which says that somebody uses the engines."""


@dataclass(frozen=True)
class Address:
    """Where processes reach a database, and how their connections are pooled on the way."""

    url: str
    pooling: Pooling


def start() -> None:
    """Start what is not running yet; runs beside ours use the same."""
    DATA.mkdir(parents=True, exist_ok=True)
    _use.append(os.open(DATA / "in-use.lock", os.O_RDWR | os.O_CREAT))
    fcntl.flock(_use[-1], fcntl.LOCK_SH)
    postgres()
    start_valkey(DATA / "valkey")


def stop() -> None:
    """Stop the engines, unless another run still uses them."""
    use = _use.pop()
    if processes.locked(use):
        for server in (find_postgres(POSTGRES_DATA), find_valkey(DATA / "valkey")):
            if server is not None:
                server.stop()
    os.close(use)


def postgres() -> PostgresServer:
    """Return the running server of the tests."""
    programs = Path(POSTGRES_BIN) if POSTGRES_BIN else None
    return start_postgres(POSTGRES_DATA, is_durable=False, programs=programs)


def redis_url() -> str:
    """Return a numbered database of the Redis server that nobody else has while this process lives, emptied.

    What runs beside the tests, such as a system with workers of its own, needs another than the tests have.
    """
    url = start_valkey(DATA / "valkey").url(_claimed_number())
    redis.Redis.from_url(url).flushdb()
    return url


def _claimed_number() -> int:
    for number in range(REDIS_DATABASES):
        claim = os.open(DATA / f"redis-{number}.lock", os.O_RDWR | os.O_CREAT)
        if processes.locked(claim):
            return number  # the lock stays, and dies with this process
        os.close(claim)
    raise RuntimeError(f"no Redis database is free: all {REDIS_DATABASES} are taken by running tests")


@contextmanager
def migrated_database(purpose: str) -> Iterator[str]:
    """Make a database of our own with the current schema; dropped afterwards."""
    server = postgres()
    template = _template(server)
    name = f"t_{purpose}_{os.getpid()}_{secrets.token_hex(3)}"
    server.create_database(name, template=template)
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


@contextmanager
def served_database(purpose: str) -> Iterator[Address]:
    """Make a migrated database and say how processes reach it: through PgBouncer where the tests were given one.

    Through PgBouncer its time zone is not UTC, since nothing of ours may depend on that of a session.
    """
    with migrated_database(purpose) as url:
        if not PGBOUNCER:
            yield Address(url, "session")
            return
        server, name = postgres(), str(make_url(url).database)
        with psycopg.connect(server.conninfo("postgres", user="postgres"), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE \"{name}\" SET timezone = 'Asia/Shanghai'")
        with pooled(server, program=Path(PGBOUNCER), folder=DATA / f"pgbouncer-{purpose}-{os.getpid()}") as found:
            yield Address(found.url(name), "transaction")


@contextmanager
def empty_database(purpose: str) -> Iterator[str]:
    """Make a database without any table; dropped afterwards."""
    server = postgres()
    name = f"t_{purpose}_{os.getpid()}_{secrets.token_hex(3)}"
    server.create_database(name)
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


def migrate(url: str) -> None:
    """Run all migrations on a database."""
    app = migration_app(url)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
    app.extensions["container"].database.engine.dispose()


def migration_app(url: str) -> Flask:
    """Return the smallest application that Flask-Migrate works with."""
    app = Flask("migrations")
    app.extensions["container"] = MigrationContainer(connect(url, connections=1))
    Migrate(app, app.extensions["container"].database, directory=str(ROOT / "migrations"))
    return app


def _template(server: PostgresServer) -> str:
    name = "template_" + _fingerprint()
    with processes.exclusive(DATA / "template.lock"):
        if not _exists(server, name):
            server.drop_database("unfinished_" + name)
            server.create_database("unfinished_" + name)
            migrate(server.url("unfinished_" + name))
            with psycopg.connect(server.conninfo("postgres", user="postgres"), autocommit=True) as connection:
                connection.execute(f'ALTER DATABASE "unfinished_{name}" RENAME TO "{name}"')
    return name


def _exists(server: PostgresServer, name: str) -> bool:
    with psycopg.connect(server.conninfo("postgres", user="postgres")) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for file in sorted((ROOT / "migrations").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
