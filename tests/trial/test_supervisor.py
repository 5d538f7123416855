"""The supervisor with dummy children: start, stop at any moment, deaths, kills, and plain messages."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trial import processes
from trial.child import MARKER, end_leftovers
from trial.engines.valkey import find_valkey, remove_valkey
from trial.paths import PROJECT, TrialPaths
from trial.supervisor import is_ready

SECONDS = 30.0


class RunningTrial:
    """One started trial and what it has written so far."""

    def __init__(self, folder: Path, scenario: str, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.trial.dummies", str(folder), scenario, str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests themselves may run with nohup
        )
        self.text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.text += line

    def wait_for(self, pattern: str) -> re.Match[str]:
        processes.wait_until(
            lambda: bool(re.search(pattern, self.text)) or self.process.poll() is not None, within_seconds=SECONDS
        )
        match = re.search(pattern, self.text)
        assert match, f"{pattern!r} did not appear in:\n{self.text}"
        return match

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.exit_status()

    def exit_status(self) -> int:
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status


Start = Callable[..., RunningTrial]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def paths(tmp_path: Path) -> TrialPaths:
    return TrialPaths(tmp_path / "var")


@pytest.fixture
def start(paths: TrialPaths, port: int) -> Iterator[Start]:
    started: list[RunningTrial] = []

    def _start(scenario: str = "plain") -> RunningTrial:
        started.append(RunningTrial(paths.var, scenario, port))
        return started[-1]

    yield _start
    for trial in started:
        if trial.process.poll() is None:
            trial.process.kill()
        trial.exit_status()
    end_leftovers(paths.var)
    remove_valkey(paths.valkey)


def everything_is_gone(paths: TrialPaths) -> bool:
    return not processes.processes_marked(f"{MARKER}={paths.var}") and find_valkey(paths.valkey) is None


def pid_of(paths: TrialPaths, name: str, word: str) -> int:
    log = paths.logs / f"{name}.log"
    processes.wait_until(lambda: log.exists() and word in log.read_text(), within_seconds=SECONDS)
    return int(re.findall(rf"{word} (\d+)", log.read_text())[-1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_exits_cleanly(start: Start, paths: TrialPaths, number: signal.Signals) -> None:
    trial = start()
    trial.wait_for("account: demo")
    assert trial.end(number) == 0
    assert everything_is_gone(paths)
    assert "the trial is running" in trial.text
    assert re.search(r"web +\| serving as \d+ on unix://", trial.text)
    assert "migrated with unix://" in (paths.logs / "setup.log").read_text()
    assert "Traceback" not in trial.text


def test_a_stop_during_a_setup_step_ends_the_step_too(start: Start, paths: TrialPaths) -> None:
    trial = start("slow-step")
    setup = paths.logs / "setup.log"
    assert processes.wait_until(lambda: setup.exists() and "begun" in setup.read_text(), within_seconds=SECONDS)
    assert trial.end() == 0
    assert everything_is_gone(paths)
    assert "the trial is running" not in trial.text


def test_a_stop_right_after_the_start_leaves_nothing(start: Start, paths: TrialPaths) -> None:
    trial = start()
    assert processes.wait_until(paths.lock.exists, within_seconds=SECONDS)
    assert trial.end() == 0
    assert everything_is_gone(paths)


def test_what_a_step_talks_to_is_there_before_the_step(start: Start) -> None:
    trial = start("needed-by-step")
    trial.wait_for("account: demo")
    assert "seed the demo chain: done" in trial.text
    assert trial.text.count("serving as") == 1
    assert trial.end() == 0


def test_a_step_that_fails_names_what_was_raised_and_not_what_was_said_later(start: Start) -> None:
    trial = start("confusing-step")
    assert trial.exit_status() == 1
    assert "Could not seed the demo chain: ImportError: cannot import what it needs" in trial.text


def test_a_child_that_dies_is_started_again(start: Start, paths: TrialPaths, port: int) -> None:
    trial = start()
    trial.wait_for("account: demo")
    first = pid_of(paths, "web", "serving as")
    os.kill(first, signal.SIGKILL)
    trial.wait_for(r"web ended with -9; started again in 0\.5 s")
    assert processes.wait_until(lambda: pid_of(paths, "web", "serving as") != first, within_seconds=SECONDS)
    assert processes.wait_until(lambda: is_ready(f"http://127.0.0.1:{port}/readyz"), within_seconds=SECONDS)
    assert trial.end() == 0


def test_an_engine_that_dies_is_started_again(start: Start, paths: TrialPaths) -> None:
    trial = start()
    trial.wait_for("account: demo")
    first = find_valkey(paths.valkey)
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    trial.wait_for(r"Valkey ended; started again on the same data\nValkey: ready")
    second = find_valkey(paths.valkey)
    assert second is not None
    assert second.pid != first.pid
    assert trial.end() == 0


def test_what_a_child_has_forked_is_ended_with_it(start: Start, paths: TrialPaths) -> None:
    trial = start("forking")
    trial.wait_for("account: demo")
    grandchild = pid_of(paths, "worker", "grandchild")
    assert trial.end() == 0
    assert not processes.command_line(grandchild)


def test_a_child_that_does_not_listen_is_killed_after_its_time(start: Start, paths: TrialPaths) -> None:
    trial = start("deaf")
    trial.wait_for(r"worker +\| deaf")
    trial.wait_for("account: demo")
    assert trial.end() == 0
    assert everything_is_gone(paths)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_children_end_when_the_supervisor_is_killed(start: Start, paths: TrialPaths) -> None:
    trial = start()
    trial.wait_for("account: demo")
    child = pid_of(paths, "web", "serving as")
    trial.process.kill()
    assert processes.wait_until(lambda: not processes.command_line(child), within_seconds=SECONDS)


def test_the_run_after_a_kill_ends_leftovers_and_goes_on_with_the_engine(start: Start, paths: TrialPaths) -> None:
    killed = start("deaf")
    killed.wait_for(r"worker +\| deaf")
    killed.wait_for("account: demo")
    engine = find_valkey(paths.valkey)
    killed.process.kill()
    killed.exit_status()
    assert processes.processes_marked(f"{MARKER}={paths.var}"), "the deaf child is expected to be left over"

    trial = start()
    trial.wait_for("account: demo")
    assert re.search(r"ended \d+ processes that a killed run had left behind", trial.text)
    found = find_valkey(paths.valkey)
    assert engine is not None
    assert found is not None
    assert found.pid == engine.pid
    assert trial.end() == 0
    assert everything_is_gone(paths)


def test_a_second_run_gets_a_plain_message_and_disturbs_nothing(start: Start, port: int) -> None:
    first = start()
    first.wait_for("account: demo")
    second = start()
    assert second.exit_status() == 1
    assert re.fullmatch(r"✗ A trial is already running here .*\n", second.text)
    assert is_ready(f"http://127.0.0.1:{port}/readyz")
    assert first.end() == 0


def test_a_busy_port_gets_a_plain_message(start: Start, paths: TrialPaths, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        trial = start()
        assert trial.exit_status() == 1
    assert re.fullmatch(rf"✗ Port {port} is in use by another program: .*\n", trial.text)
    assert everything_is_gone(paths)


def test_a_child_that_never_starts_gets_a_plain_message(start: Start, paths: TrialPaths) -> None:
    trial = start("dying")
    assert trial.exit_status() == 1
    assert re.search(r"✗ web does not start: no such setting \(see .*web\.log\)\n$", trial.text)
    assert everything_is_gone(paths)


def test_a_failing_step_gets_its_last_line_and_no_traceback(start: Start, paths: TrialPaths) -> None:
    trial = start("failing-step")
    assert trial.exit_status() == 1
    assert re.search(r"✗ Could not migrate the database: ValueError: no table \(see .*\)\n$", trial.text)
    assert "Traceback" not in trial.text
    assert everything_is_gone(paths)


def test_a_folder_that_cannot_be_written_gets_a_plain_message(start: Start, paths: TrialPaths) -> None:
    paths.var.write_text("a file is in the way")
    trial = start()
    assert trial.exit_status() == 1
    assert re.fullmatch(r"✗ Cannot use .*var: .*\n", trial.text)
    paths.var.unlink()
