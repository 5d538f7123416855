"""Processes that were perhaps started by an earlier run: who they are, and how to end exactly those.

A process id alone proves nothing, because ids are used again: a process counts as ours only when its command line
names a path that is ours alone.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from trial.errors import TrialError

PROC = Path("/proc")
POLL_SECONDS = 0.02
ABANDON_SECONDS = 5.0
_started_here: set[int] = set()


def command_line(pid: int) -> str:
    """Read the command line of a process; empty when there is none, or when it is dead and not yet reaped."""
    try:
        if PROC.joinpath("self").exists():
            return PROC.joinpath(str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return subprocess.run(
            ["ps", "-ww", "-p", str(pid), "-o", "command="],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except OSError:
        return ""


def let_outlive(process: subprocess.Popen[bytes]) -> None:
    """Take over a process that may outlive us, so that it is reaped here if it does not."""
    _started_here.add(process.pid)
    process.returncode = 0  # known only so that Python does not complain about a running child at exit


def abandon(process: subprocess.Popen[bytes]) -> None:
    """End a process that did not get ready, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(ABANDON_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_ours(pid: int, marker: Path) -> bool:
    """Tell whether this process is alive and was started with a path that only we use."""
    if pid in _started_here:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return pid > 0 and str(marker) in command_line(pid)


def processes_working_in(folder: Path) -> list[int]:
    """List living processes whose current folder is this one; empty where the system does not tell (no /proc)."""
    found = []
    for entry in PROC.iterdir() if PROC.is_dir() else []:
        if entry.name.isdigit() and _working_folder(entry) == str(folder):
            found.append(int(entry.name))
    return found


def processes_marked(mark: str) -> list[int]:
    """List living processes, except this one, that were started with ``NAME=value`` in their environment."""
    if not PROC.is_dir():
        return _marked_by_ps(mark)
    wanted = mark.encode()
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = entry.joinpath("environ").read_bytes()
        except OSError:
            continue  # gone meanwhile, or another user's
        if wanted in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], bool], *, within_seconds: float) -> bool:
    """Ask again and again until the condition holds or the time is over, and tell which."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def stop_process(
    pid: int,
    *,
    is_gone: Callable[[], bool],
    steps: Sequence[tuple[signal.Signals, float]],
) -> None:
    """Send each signal in turn until the process is gone, waiting the seconds that stand beside the signal."""
    for number, seconds in steps:
        if is_gone():
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until(is_gone, within_seconds=seconds):
            return


def kill_group(leader: int) -> None:
    """Kill whoever is left of a process group, its leader included."""
    # macOS answers "not permitted" for a group in which only dead processes are left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def find_program(*names: str) -> Path | None:
    """Find the first of these programs on PATH or in the system folders that a plain user's PATH leaves out."""
    for name in names:
        for path in (None, "/usr/sbin:/sbin:/usr/bin:/bin"):
            if found := shutil.which(name, path=path):
                return Path(found)
    return None


def is_locked(lock_file: Path) -> bool:
    """Tell whether a living process holds this lock."""
    if not lock_file.exists():
        return False
    with lock_file.open("a") as handle:
        return not locked(handle.fileno())


@contextmanager
def exclusive(lock_file: Path, *, within_seconds: float = 90) -> Iterator[None]:
    """Let one starter at a time work on a data folder; the lock dies with its process.

    Raises:
        TrialError: another starter held the lock all that time.
    """
    with lock_file.open("a") as handle:
        if not wait_until(lambda: locked(handle.fileno()), within_seconds=within_seconds):
            raise TrialError(f"{lock_file} has been locked by another process for {within_seconds:.0f} seconds.")
        yield


def locked(descriptor: int) -> bool:
    """Lock an open file for this process, if nobody else has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _marked_by_ps(mark: str) -> list[int]:
    done = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    rows = (line.strip().split(maxsplit=1) for line in done.stdout.splitlines() if f" {mark} " in f"{line} ")
    return [int(row[0]) for row in rows if int(row[0]) != os.getpid()]


def _working_folder(process: Path) -> str:
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""
