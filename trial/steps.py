"""Commands that run once before or beside the children: migrate, seed, list the demo accounts."""

import re
import subprocess
import threading
import time
from dataclasses import dataclass

from trial import processes
from trial.child import Surroundings, spawn
from trial.console import LogFile
from trial.errors import TrialError
from trial.signals import Stopped, StopRequest

STOP_SECONDS = 5.0
# The line that closes a traceback; what a command says after it, such as its usage, misleads.
RAISED = re.compile(r"[\w.]*\w(Error|Exception)\b")


@dataclass(frozen=True)
class Step:
    """One command, and what it does in the words of the person who waits for it."""

    name: str
    command: tuple[str, ...]


def run_step(step: Step, *, surroundings: Surroundings, stop: StopRequest) -> list[str]:
    """Run one command to its end and return what it wrote; its output also lands in ``setup.log``.

    Raises:
        TrialError: it failed; the message holds its own complaint.
        Stopped: a stop was wanted meanwhile; the command is ended.
    """
    log = LogFile(surroundings.logs / "setup.log")
    process = spawn(step.command, surroundings)
    lines: list[str] = []
    reader = threading.Thread(target=_collect, args=(process, lines, log), daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            stop.check()
            time.sleep(0.05)
    except Stopped:
        process.terminate()
        raise
    finally:
        processes.wait_until(lambda: process.poll() is not None, within_seconds=STOP_SECONDS)
        processes.kill_group(process.pid)
        process.wait()
        reader.join(STOP_SECONDS)
        log.close()
    if process.returncode != 0:
        raise TrialError(f"Could not {step.name}: {complaint(lines)} (see {surroundings.logs / 'setup.log'})")
    return lines


def complaint(lines: list[str]) -> str:
    """Say in one line what a command complained about: all of a short message, the last line of a traceback."""
    told = [line.strip() for line in lines if line.strip()]
    for number, line in enumerate(told):
        if line.startswith("Traceback"):
            return next((last for last in told[number:] if RAISED.match(last)), told[-1])[:300]
    return " ".join(told[-6:])[:600] or "no reason given"


def _collect(process: subprocess.Popen[str], lines: list[str], log: LogFile) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            lines.append(line.rstrip("\n"))
            log.write(line.rstrip("\n"))
