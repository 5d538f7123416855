"""An embedded PostgreSQL server: made, started, found again, recovered and stopped by us.

Reached only through a unix socket in a folder closed to everybody else, and only by the operating-system user who
started it (peer authentication); it never listens on the network. Committed data survives SIGKILL at any moment.
The server deliberately outlives a killed starter; the next start finds it and goes on with it.
"""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from trial import processes
from trial.engines.homes import DATA, Home, find_home, home_of, remove_home
from trial.engines.postgres_binaries import reachable_programs, wheel_programs
from trial.engines.postgres_cluster import (
    OWNER,
    SOCKET_LOCK,
    SUPERUSER,
    clean_environment,
    clear_after_a_kill,
    make_cluster,
    write_access_rules,
)
from trial.engines.service_user import OsUser, engine_user
from trial.errors import TrialError

START_SECONDS = 60.0

# Sized for a trial on two cores. Parallel plans are off: they gain nothing here and need more shared memory than a
# container usually grants.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# For tests: what a killed process would lose is kept, only a crash of the machine itself is not survived.
UNSYNCED = {"fsync": "off", "full_page_writes": "off", "max_connections": "400"}


@dataclass(frozen=True)
class PostgresServer:
    """A running server and how to reach it."""

    data_dir: Path
    sockets: Path
    pid: int

    def url(self, database: str = OWNER, *, user: str = OWNER) -> str:
        """Build the SQLAlchemy address of a database, as its owner or as the superuser."""
        return f"postgresql+psycopg://{user}@/{database}?host={quote(str(self.sockets), safe='')}"

    def conninfo(self, database: str = OWNER, *, user: str = OWNER) -> str:
        """Build the libpq address of a database, for psycopg, psql, pgbench and pg_dump."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets), safe='')}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database that belongs to the ordinary role; nothing happens when it is already there."""
        with self._administrate() as connection:
            if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                return
            statement = sql.SQL("create database {} owner {} template {}")
            connection.execute(
                statement.format(
                    sql.Identifier(name),
                    sql.Identifier(OWNER),
                    sql.Identifier(template or "template0"),
                )
            )

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, cutting off whoever is connected."""
        with self._administrate() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def is_running(self) -> bool:
        """Tell whether this very server process is still alive."""
        return processes.is_ours(self.pid, self.data_dir)

    def stop(self) -> None:
        """Stop the server: cleanly within 20 seconds, otherwise without a checkpoint (the next start recovers)."""
        steps = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
        processes.stop_process(self.pid, is_gone=lambda: not self.is_running(), steps=steps)

    def _administrate(self) -> psycopg.Connection:
        return psycopg.connect(self.conninfo("postgres", user=SUPERUSER), autocommit=True)


def start_postgres(data_dir: Path, *, is_durable: bool = True, programs: Path | None = None) -> PostgresServer:
    """Start the server of a data folder, or go on with the one that is already running there.

    The first start makes the cluster, the ordinary role ``portal`` and its database. ``is_durable=False`` trades
    survival of a machine crash for speed; a killed server still recovers. ``programs`` is the folder of another
    PostgreSQL than the wheel's; a data folder stays with the version that made it.

    Raises:
        TrialError: it cannot be started; the message names the folder and the reason.
    """
    data_dir = data_dir.absolute()
    try:
        user = engine_user()
        home = home_of(data_dir, user=user, socket_name=SOCKET_LOCK)
        with processes.exclusive(home.base / "starter.lock"):
            server = _running(home) or _launched(home, user, is_durable=is_durable, programs=programs)
            _prepare(server)
            return server
    except (OSError, psycopg.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise TrialError(f"The embedded PostgreSQL cannot use {data_dir}: {reason}.") from error


def find_postgres(data_dir: Path) -> PostgresServer | None:
    """Find the server that is running on a data folder, started by whomever."""
    return _running(find_home(data_dir.absolute(), socket_name=SOCKET_LOCK))


def remove_postgres(data_dir: Path) -> None:
    """Stop the server of a data folder and delete all its data."""
    if server := find_postgres(data_dir):
        server.stop()
    remove_home(data_dir)


def _running(home: Home) -> PostgresServer | None:
    # postmaster.pid: 1 process id, 2 data folder, 3 start, 4 port, 5 socket folder, … 8 status
    data = home.base / DATA
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not processes.is_ours(pid, data):
        return None
    sockets = Path(lines[4]) if len(lines) > 4 and lines[4] else home.sockets
    server = PostgresServer(data_dir=data, sockets=sockets, pid=pid)
    is_settled = processes.wait_until(lambda: not server.is_running() or _answers(server), within_seconds=START_SECONDS)
    return server if is_settled and server.is_running() else None


def _launched(home: Home, user: OsUser, *, is_durable: bool, programs: Path | None) -> PostgresServer:
    programs = programs or reachable_programs(user=user, base=home.base, programs=wheel_programs())
    data = home.base / DATA
    make_cluster(data, programs, user)
    write_access_rules(data, user)
    clear_after_a_kill(data, home.sockets)
    settings = SETTINGS | ({} if is_durable else UNSYNCED)
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(home.sockets)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = home.base / "server.log"
    log_start = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=clean_environment(),
            cwd="/", start_new_session=True, **user.process_options,
        )  # fmt: skip
    server = PostgresServer(data_dir=data, sockets=home.sockets, pid=process.pid)
    try:
        processes.wait_until(lambda: process.poll() is not None or _answers(server), within_seconds=START_SECONDS)
        if process.poll() is not None or not _answers(server):
            raise TrialError(f"The embedded PostgreSQL did not start: {_complaint(log, log_start)} (see {log})")
    except BaseException:
        processes.abandon(process)  # also on Ctrl-C: nothing half-started may stay behind
        raise
    processes.let_outlive(process)
    return server


def _prepare(server: PostgresServer) -> None:
    with server._administrate() as connection:
        if not connection.execute("select 1 from pg_roles where rolname = %s", (OWNER,)).fetchone():
            connection.execute(sql.SQL("create role {} login createdb").format(sql.Identifier(OWNER)))
    server.create_database(OWNER)


def _answers(server: PostgresServer) -> bool:
    try:
        with psycopg.connect(server.conninfo("postgres", user=SUPERUSER), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _complaint(log: Path, start: int) -> str:
    lines = log.read_bytes()[start:].decode(errors="replace").splitlines()
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (fatal or lines or ["no reason given"])[-1].strip()
