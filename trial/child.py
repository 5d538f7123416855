"""One supervised process: started on a leash, logged, started again when it dies, stopped with all it has forked."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trial import leash, processes
from trial.console import Console, LogFile

# Set in every process of a trial and inherited by what they fork: how leftovers are recognised.
MARKER = "PORTAL_TRIAL_FOLDER"
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
# A child that lived this long was healthy: its next death starts with the short pause again.
HEALTHY_SECONDS = 30.0
KILLED_SECONDS = 5.0


@dataclass(frozen=True)
class ChildSpec:
    """What one child is called and how it is started; ``stop_seconds`` is its time to finish what it is doing.

    ``needed_at`` is the address at which it must answer before the steps are run, for those that steps talk to.
    """

    name: str
    command: tuple[str, ...]
    stop_seconds: float = 10.0
    needed_at: str | None = None


@dataclass(frozen=True)
class Surroundings:
    """What all processes of one trial share."""

    environment: Mapping[str, str]
    folder: Path
    logs: Path
    console: Console


class Child:
    """A running or restarting process of the trial."""

    def __init__(self, spec: ChildSpec, surroundings: Surroundings) -> None:
        self.spec = spec
        self.deaths = 0
        self._surroundings = surroundings
        self._log = LogFile(surroundings.logs / f"{spec.name}.log")
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._started_at = 0.0
        self._start_due_at = 0.0

    @property
    def last_line(self) -> str:
        """The last line that the process wrote."""
        return self._log.last_line

    def tend(self) -> None:
        """Start the process if it is not running and its pause is over; note its death otherwise."""
        if self._process is not None and self._process.poll() is not None:
            self._note_death(self._process)
        if self._process is None and time.monotonic() >= self._start_due_at:
            self._start()

    def stop(self, *, is_urgent: Callable[[], bool]) -> None:
        """Ask the process to end, wait its time, and end by force whatever of its group is left."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            processes.wait_until(
                lambda: process.poll() is not None or is_urgent(),
                within_seconds=self.spec.stop_seconds,
            )
        self._end_group(process)
        self._process = None
        self._log.close()

    def _start(self) -> None:
        self._process = spawn(self.spec.command, self._surroundings)
        self._started_at = time.monotonic()
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._relay, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _relay(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self._log.write(line.rstrip("\n"))
                self._surroundings.console.relay(self.spec.name, line.rstrip("\n"))

    def _note_death(self, process: subprocess.Popen[str]) -> None:
        self._end_group(process)
        self._process = None
        if time.monotonic() - self._started_at > HEALTHY_SECONDS:
            self.deaths = 0
        pause = min(FIRST_PAUSE_SECONDS * 2**self.deaths, LONGEST_PAUSE_SECONDS)
        self.deaths += 1
        self._start_due_at = time.monotonic() + pause
        self._surroundings.console.say(
            f"{self.spec.name} ended with {process.returncode}; started again in {pause:.1f} s"
        )

    def _end_group(self, process: subprocess.Popen[str]) -> None:
        # What it forked and left behind would go on working, and hold its port.
        processes.kill_group(process.pid)
        try:
            process.wait(KILLED_SECONDS)
        except subprocess.TimeoutExpired:
            self._surroundings.console.say(f"{self.spec.name} does not even end when killed (process {process.pid})")
        if self._reader is not None:
            self._reader.join(KILLED_SECONDS)


def spawn(command: tuple[str, ...], surroundings: Surroundings) -> subprocess.Popen[str]:
    """Start a command on a leash, in a process group of its own, its output readable as text."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=surroundings.folder,
        env=dict(surroundings.environment),
        start_new_session=True,
    )


def end_leftovers(folder: Path, *, within_seconds: float = 8.0) -> list[int]:
    """End the processes that an earlier trial of this folder left behind, and say which they were."""
    mark = f"{MARKER}={folder}"
    found = processes.processes_marked(mark)
    for number, seconds in ((signal.SIGTERM, within_seconds), (signal.SIGKILL, KILLED_SECONDS)):
        for pid in processes.processes_marked(mark):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        if processes.wait_until(lambda: not processes.processes_marked(mark), within_seconds=seconds):
            break
    return found
