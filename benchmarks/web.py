"""A web server under measurement: started by the command that starts the real one, ended with all it has forked."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.failures import BenchFailed
from trial import processes
from trial.environment import LOCAL
from trial.paths import PROJECT
from trial.programme import web_command

START_SECONDS = 30.0
STOP_SECONDS = 12.0


@dataclass(frozen=True)
class WebServer:
    """A running web server on this machine."""

    port: int
    pid: int


@contextmanager
def serve(application: str, *, environment: Mapping[str, str], log: Path) -> Iterator[WebServer]:
    """Serve an application while the block lasts.

    Raises:
        BenchFailed: it does not answer; its log says why.
    """
    port = _free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            web_command(port=port, application=application),
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        answers = processes.wait_until(lambda: _answers(port), within_seconds=START_SECONDS)
        if not answers or process.poll() is not None:
            raise BenchFailed(f"{application} does not answer (see {log})")
        yield WebServer(port=port, pid=process.pid)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
        processes.wait_until(lambda: process.poll() is not None, within_seconds=STOP_SECONDS)
    processes.kill_group(process.pid)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOCAL, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()
