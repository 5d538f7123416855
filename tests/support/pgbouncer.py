"""A PgBouncer in transaction mode before the server of the tests, as a large installation has one.

It listens only on a unix socket in a folder closed to everybody else, and runs as the server's operating-system user.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from trial import processes
from trial.engines.homes import Home, home_of, remove_home
from trial.engines.postgres import PostgresServer
from trial.engines.postgres_cluster import OWNER, SOCKET_LOCK, clean_environment
from trial.engines.service_user import OsUser, engine_user

START_SECONDS = 20.0
# Far fewer than the clients of a race, so that their transactions take turns on the same server connections.
SERVER_CONNECTIONS = 10
CLIENTS = 400


@contextmanager
def pooled(server: PostgresServer, *, program: Path, folder: Path) -> Iterator[PostgresServer]:
    """Start a pooler before this server for the time of the block; yield the server as it is reached through it.

    Start-up parameters that it does not know are refused, as by a PgBouncer that nobody told otherwise.
    """
    user = engine_user()
    home = home_of(folder, user=user, socket_name=SOCKET_LOCK)
    process = _launched(home, user, program=program, server=server)
    found = replace(server, sockets=home.sockets)
    try:
        processes.wait_until(lambda: process.poll() is not None or _answers(found), within_seconds=START_SECONDS)
        assert process.poll() is None, f"PgBouncer did not start: {_log(home).read_text()}"
        assert _answers(found), f"PgBouncer does not answer: {_log(home).read_text()}"
        yield found
    finally:
        processes.abandon(process)
        remove_home(folder)


def _launched(home: Home, user: OsUser, *, program: Path, server: PostgresServer) -> subprocess.Popen[bytes]:
    configuration = home.base / "pgbouncer.ini"
    configuration.write_text(_configuration(home, server))
    user.own(configuration)
    with _log(home).open("wb") as output:
        return subprocess.Popen(
            [str(program), str(configuration)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env=clean_environment(), cwd="/", start_new_session=True, **user.process_options,
        )  # fmt: skip


def _configuration(home: Home, server: PostgresServer) -> str:
    settings = {
        "unix_socket_dir": home.sockets,
        "unix_socket_mode": "0700",
        "listen_port": "5432",
        # Whoever reaches the socket is let in, as the ordinary role: its folder lets in only its owner.
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": SERVER_CONNECTIONS,
        "max_client_conn": CLIENTS,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(["[databases]", f"* = host={server.sockets} user={OWNER}", "[pgbouncer]", *lines, ""])


def _log(home: Home) -> Path:
    return home.base / "pgbouncer.log"


def _answers(found: PostgresServer) -> bool:
    try:
        with psycopg.connect(found.conninfo(), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
