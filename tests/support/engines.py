"""The embedded engines of the tests: started once for all processes, databases copied from a template."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from flask import Flask
from flask_migrate import Migrate, upgrade

from loyalty.kernel.database import connect
from trial import processes
from trial.engines.postgres import PostgresServer, find_postgres, start_postgres
from trial.engines.valkey import ValkeyServer, find_valkey, start_valkey
from tests.support.container_stub import MigrationContainer

ROOT = Path(__file__).parents[2]
DATA = ROOT / "var" / "tests"
REDIS_DATABASES = 16
_started: list[PostgresServer | ValkeyServer] = []


def start() -> None:
    """Start what is not running yet; only that is stopped at the end."""
    DATA.mkdir(parents=True, exist_ok=True)
    if find_postgres(DATA / "postgres") is None:
        _started.append(start_postgres(DATA / "postgres", is_durable=False))
    if find_valkey(DATA / "valkey") is None:
        _started.append(start_valkey(DATA / "valkey"))


def stop() -> None:
    """Stop what ``start`` started."""
    while _started:
        _started.pop().stop()


def postgres() -> PostgresServer:
    """Return the running server of the tests."""
    return start_postgres(DATA / "postgres", is_durable=False)


def redis_url() -> str:
    """Return an emptied numbered database of the Redis server that no other process of this run uses."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", f"gw{os.getpid()}").removeprefix("gw")
    url = start_valkey(DATA / "valkey").url(int(worker) % REDIS_DATABASES)
    redis.Redis.from_url(url).flushdb()
    return url


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
