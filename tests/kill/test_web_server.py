"""Killing all web processes at once: the server goes on and answers again, without loading anything anew."""

import os
import signal
from pathlib import Path

import pytest

from tests.browser.system import free_port
from tests.kill.conftest import Installation, children_of
from trial.environment import LOCAL
from trial.programme import WEB_PROCESSES
from trial.supervisor import is_ready

pytestmark = pytest.mark.kill


def test_a_server_whose_processes_are_all_killed_answers_again(installation: Installation) -> None:
    port = free_port()
    server = installation.serve(port)
    first = set(children_of(server.pid))
    assert len(first) == WEB_PROCESSES
    assert _has_loaded_the_application(server.pid), "new processes would have to load it, which takes long"

    for pid in first:
        os.kill(pid, signal.SIGKILL)

    installation.wait(lambda: not first & set(children_of(server.pid)), "the dead were not replaced")
    installation.wait(lambda: is_ready(f"http://{LOCAL}:{port}/readyz"), "the site stays away")
    assert server.poll() is None


def _has_loaded_the_application(pid: int) -> bool:
    """Tell by the database driver, which nothing but the application loads."""
    return "psycopg" in Path(f"/proc/{pid}/maps").read_text()
