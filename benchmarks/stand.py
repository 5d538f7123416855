"""The stand: a PostgreSQL and a Valkey of the bench's own, copies of seeded databases, web servers as in production."""

import hashlib
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import psycopg

from benchmarks.failures import BenchFailed
from benchmarks.seed import Members
from benchmarks.web import WebServer, serve
from loyalty.kernel.database import Database, connect
from loyalty.settings import Settings
from trial.engines.postgres import PostgresServer, find_postgres, start_postgres
from trial.engines.valkey import find_valkey, start_valkey
from trial.environment import plan_trial
from trial.keys import load_keys
from trial.paths import PROJECT, TrialPaths

Held = TypeVar("Held")
BENCH = TrialPaths(PROJECT / "var" / "bench")


@dataclass(frozen=True)
class Shop:
    """One database with its books, and how the processes on it are started."""

    name: str
    conninfo: str
    database: Database
    settings: Settings
    environment: Mapping[str, str]
    postgres: PostgresServer

    def settle(self) -> None:
        """Leave no vacuum to be made during a round."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def analyze(self) -> None:
        """Let the server learn how large its tables have become, and plan anew."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("ANALYZE")


@dataclass(frozen=True)
class Stand:
    """What all rows share while a bench runs."""

    postgres: PostgresServer
    values: Mapping[str, str]
    paths: TrialPaths
    _stack: ExitStack

    def shop(self, name: str, *, members: Members) -> Shop:
        """Open a fresh copy of a seeded database; the seed is made once for each state of the code, and each day."""
        template = f"seed_{name}_{_fingerprint(members)}"
        if not _exists(self.postgres, template):
            self._make_seed(template, members)
        self.postgres.drop_database(f"bench_{name}")
        self.postgres.create_database(f"bench_{name}", template=template)
        shop = self._open(f"bench_{name}")
        self._stack.callback(shop.database.engine.dispose)
        return shop

    def web(self, shop: Shop, *, application: str = "app:wsgi") -> WebServer:
        """Start a web server on a shop; it ends with the bench."""
        name = f"{shop.name}-{application.partition(':')[0]}"
        metrics = self.paths.var / "metrics" / name
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        environment = {**shop.environment, "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        log = self.paths.logs / f"{name}.log"
        return self._stack.enter_context(serve(application, environment=environment, log=log))

    def keep(self, held: AbstractContextManager[Held]) -> Held:
        """Enter something that lasts as long as the bench."""
        return self._stack.enter_context(held)

    def _make_seed(self, template: str, members: Members) -> None:
        unfinished = f"unfinished_{template}"
        self._drop_seeds_like(template)
        self.postgres.create_database(unfinished)
        shop = self._open(unfinished)
        _migrate(shop)
        members.write(shop.database, shop.settings)
        shop.settle()
        shop.database.engine.dispose()
        with psycopg.connect(self.postgres.conninfo("postgres", user="postgres"), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{template}"')

    def _drop_seeds_like(self, template: str) -> None:
        """Make room: seeds of other versions are of no use any more."""
        family = template.rpartition("_")[0]
        with psycopg.connect(self.postgres.conninfo("postgres", user="postgres")) as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE datname ~ %s", (f"^(unfinished_)?{family}_[0-9a-f]+$",)
            )
            outdated = [name for (name,) in names]
        for name in outdated:
            self.postgres.drop_database(name)

    def _open(self, name: str) -> Shop:
        environment = {**os.environ, **self.values, "DATABASE_URL": self.postgres.url(name)}
        return Shop(
            name=name,
            conninfo=self.postgres.conninfo(name),
            database=connect(self.postgres.url(name), connections=2),
            settings=Settings.from_environment(environment),
            environment=environment,
            postgres=self.postgres,
        )


@contextmanager
def open_stand(paths: TrialPaths = BENCH) -> Iterator[Stand]:
    """Start the engines, durable as in production, and stop those that were not running before."""
    paths.var.mkdir(parents=True, exist_ok=True)
    with ExitStack() as engines:
        has_postgres, has_valkey = find_postgres(paths.postgres) is not None, find_valkey(paths.valkey) is not None
        postgres = start_postgres(paths.postgres)
        if not has_postgres:
            engines.callback(postgres.stop)
        valkey = start_valkey(paths.valkey)
        if not has_valkey:
            engines.callback(valkey.stop)
        _require_durable(postgres)
        plan = plan_trial({}, keys=load_keys(paths.keys), paths=paths)
        # Production knows no clock offset, and asks no file for it.
        values = {name: value for name, value in plan.values.items() if name != "CLOCK_OFFSET_FILE"}
        with ExitStack() as stack:
            yield Stand(postgres, values | {"REDIS_URL": valkey.url()}, paths, stack)


def _require_durable(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.conninfo()) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            if row != ("on",):
                raise BenchFailed(f"{name} is off: figures of a database that may forget are worth nothing")


def _migrate(shop: Shop) -> None:
    command = [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"]
    done = subprocess.run(command, cwd=PROJECT, env=dict(shop.environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchFailed(f"migrating {shop.name}: {done.stderr.strip()[-600:]}")


def _exists(server: PostgresServer, name: str) -> bool:
    with psycopg.connect(server.conninfo("postgres", user="postgres")) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _fingerprint(members: Members) -> str:
    # Of the day too: sessions of yesterday would be prolonged by their first request, and histories end yesterday.
    digest = hashlib.sha256(f"{members} {datetime.now(UTC).date()}".encode())
    written_by = {Path(inspect.getfile(kind)) for kind in type(members).__mro__ if kind is not object}
    for file in sorted((*written_by, *(PROJECT / "migrations").rglob("*.py"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
