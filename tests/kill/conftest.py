"""A small installation of real processes on engines of its own, which a test may kill.

``PROOF_SIZE=full`` makes the load ten times as large and lets leases run out by themselves.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from loyalty.kernel.clock import Clock
from loyalty.kernel.database import Database, connect
from loyalty.kernel.outbox import LEASE
from sandbox.defaults import DEFAULT_TEMPLATES
from sandbox.server import Handle, start
from tests.browser.system import free_port
from tests.support import engines, settings
from tests.support.pay_sandbox import merchant_environment, merchant_of_sandbox
from tests.support.proof import IS_FULL
from trial.engines.postgres import PostgresServer, remove_postgres, start_postgres
from trial.engines.postgres_cluster import OWNER
from trial.engines.valkey import ValkeyServer, remove_valkey, start_valkey
from trial.environment import LOCAL
from trial.processes import wait_until
from trial.programme import web_command
from trial.supervisor import is_ready

RECOVERY_SECONDS = 30.0 + (LEASE.total_seconds() if IS_FULL else 0.0)
"""Thirty from when the leases of what was killed have run out, which only the full proof waits for."""
BALANCE_FEN = 10**12
"""What the merchant has to pay out: enough for every proof."""
JOBS = "flask jobs"
"""What the processes call themselves to the database; the tests call themselves nothing."""
_numbers = count(1)


@dataclass
class Installation:
    """Engines, sandbox, the processes of ``flask jobs`` and the web server, on a database of this test's own."""

    folder: Path
    engines_folder: Path
    postgres: PostgresServer
    database_name: str
    valkey: ValkeyServer
    sandbox: Handle
    database: Database
    port: int = field(default_factory=free_port)
    """Where callbacks of WeChat Pay go, should a web server be started there."""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        ours = settings.environment(
            DATABASE_URL=self.postgres.url(self.database_name),
            REDIS_URL=self.valkey.url(),
            PUBLIC_BASE_URL=f"http://{LOCAL}:{self.port}",
            WECHAT_SANDBOX_URL=self.sandbox.url,
            CLOCK_OFFSET_FILE=str(self.offset_file),
            LOG_LEVEL="INFO",
            **merchant_environment(),
        )
        return {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "PGAPPNAME": JOBS, **ours}

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.valkey.url())

    def kill_valkey(self) -> None:
        os.kill(self.valkey.pid, signal.SIGKILL)
        self.wait(lambda: not self.valkey.is_running(), "the queue server is alive")

    def start_valkey(self) -> None:
        self.valkey = start_valkey(self.engines_folder / "valkey")

    def start_postgres(self) -> None:
        self.postgres = start_postgres(self.engines_folder / "postgres")

    @property
    def offset_file(self) -> Path:
        return self.folder / "clock-offset"

    def now(self) -> datetime:
        return Clock(self.offset_file).now()

    def set_time_of_day(self, hour: int) -> None:
        """Move the clock of everybody on to an hour of Shanghai, so that no quiet hours hold messages."""
        local = self.now().astimezone(settings.settings().time_zone)
        self.advance(((hour - local.hour) % 24) * 3600)

    def advance(self, seconds: int) -> None:
        self.control("/clock", {"advance_seconds": seconds})

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a ``flask jobs`` process."""
        return self._start(arguments[0], (sys.executable, "-m", "flask", "--app", "app", "jobs", *arguments))

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        """Start the web server as the trial does, and wait until it answers."""
        process = self._start("web", web_command(port=port))
        self.wait(lambda: is_ready(f"http://{LOCAL}:{port}/readyz"), "the web server does not answer")
        return process

    def keep_serving(self, port: int) -> subprocess.Popen[bytes]:
        """Start the web server below a service manager, which starts it again when it has given up."""
        process = self._start("web", ("sh", "-c", _SERVICE_MANAGER, "service-manager", *web_command(port=port)))
        self.wait(lambda: is_ready(f"http://{LOCAL}:{port}/readyz"), "the web server does not answer")
        return process

    def _start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            command,
            cwd=engines.ROOT, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process and all that it forked, as a crash of their machine would."""
        process.send_signal(signal.SIGSTOP)  # it forks nobody between the look and the end
        forked = [(child, *children_of(child)) for child in children_of(process.pid)]
        for pid in (process.pid, *chain.from_iterable(forked)):
            with suppress(ProcessLookupError):  # a work-horse may have come to its end by itself
                os.kill(pid, signal.SIGKILL)
        process.wait(10)

    def wait_until_the_dead_have_left(self) -> None:
        """Wait until the database is done with what processes had sent to it before they were killed."""
        self.wait(lambda: self.value(_WORKING, name=JOBS) == 0, "a killed process is still at work in the database")

    def let_leases_run_out(self) -> None:
        """Free what dead processes held; the full proof waits for it."""
        if not IS_FULL:
            self.value("UPDATE outbox_events SET due_at = now() WHERE lease_id IS NOT NULL RETURNING id")
            self.value("DELETE FROM leases WHERE name LIKE 'bulk:%' RETURNING name")

    def control(self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST") -> Any:
        answer = requests.request(method, f"{self.sandbox.url}/_sim{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def person(self, *, follows: str | None = None) -> dict[str, Any]:
        user: dict[str, Any] = self.control("/users", {})
        if follows:
            self.control(f"/users/{user['id']}/follow", {"appid": follows})
        return user

    def messages(self, user: dict[str, Any]) -> list[str]:
        found = self.control(f"/users/{user['id']}/messages", method="GET")
        return [one["channel"] for one in found if one["channel"] in ("template", "subscribe")]

    def value(self, query: str, **parameters: Any) -> Any:
        """Send a statement and return its first value; None while the database is away."""
        try:
            with self.database.engine.begin() as connection:
                return connection.execute(text(query), parameters).scalar()
        except DBAPIError:
            return None

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = RECOVERY_SECONDS) -> None:
        assert wait_until(condition, within_seconds=seconds), f"{what}\n{self.logs()}"

    def has_logged(self, event: str) -> bool:
        return any(event in file.read_text(errors="replace") for file in self.folder.glob("*.log"))

    def logs(self) -> str:
        return "\n".join(
            f"--- {file.name}\n" + file.read_text(errors="replace")[-3000:]
            for file in sorted(self.folder.glob("*.log"))
        )

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)


_SERVICE_MANAGER = 'while :; do "$@"; sleep 1; done'
_WORKING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND datname = current_database()"


def children_of(pid: int) -> list[int]:
    """List what a process has forked."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def _world(quotas: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    accounts = [account | {"push_url": ""} for account in settings.ACCOUNTS]
    merchant = merchant_of_sandbox(balance_fen=BALANCE_FEN)
    return {
        "accounts": accounts,
        "templates": DEFAULT_TEMPLATES,
        "merchant": merchant,
        "event_delay_seconds": 0,
        "quotas": quotas,
    }


@pytest.fixture(scope="session")
def own_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data folders of engines that only these tests use; the owner's database is the template of theirs."""
    folder = tmp_path_factory.mktemp("kill")
    server = start_postgres(folder / "postgres")
    engines.migrate(server.url())
    yield folder
    remove_postgres(folder / "postgres")
    remove_valkey(folder / "valkey")


@contextmanager
def installed(
    own_engines: Path, folder: Path, *, quotas: Mapping[str, Mapping[str, int]] | None = None
) -> Iterator[Installation]:
    """Make an installation on a database of its own, nothing of which runs yet but its engines and the sandbox.

    ``quotas`` are those of the platform that shall be other than usual, by interface.
    """
    postgres, valkey = start_postgres(own_engines / "postgres"), start_valkey(own_engines / "valkey")
    redis.Redis.from_url(valkey.url()).flushall()
    sandbox = start(_world(quotas or {}), clock_offset_file=folder / "clock-offset")
    name = f"kill_{next(_numbers)}"
    postgres.create_database(name, template=OWNER)
    database = connect(postgres.url(name), connections=8)
    made = Installation(folder, own_engines, postgres, name, valkey, sandbox, database)
    made.set_time_of_day(12)
    yield made
    made.stop()
    database.engine.dispose()
    sandbox.stop()


@pytest.fixture
def installation(own_engines: Path, tmp_path: Path) -> Iterator[Installation]:
    with installed(own_engines, tmp_path) as made:
        yield made
