"""The data folder of the embedded PostgreSQL: made, closed to others, and cleared after a kill."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from trial import processes
from trial.engines.service_user import OsUser
from trial.errors import TrialError

OWNER = "portal"
SUPERUSER = "postgres"
SOCKET_LOCK = ".s.PGSQL.5432.lock"
ORPHAN_SECONDS = 10.0


def clean_environment() -> dict[str, str]:
    """Give the environment of the programs: PGDATA, PGPORT or a locale of ours would change what they do."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def make_cluster(data: Path, programs: Path, user: OsUser) -> None:
    """Make the data folder of a new server, unless it is there.

    Raises:
        TrialError: ``initdb`` cannot; the message holds its complaint.
    """
    if (data / "PG_VERSION").exists():
        return
    # Made beside and renamed, so that an interrupted first start leaves nothing that looks finished.
    unfinished = data.with_name("data.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    user.own(unfinished)
    command = [
        str(programs / "initdb"),
        "-D",
        str(unfinished),
        "-U",
        SUPERUSER,
        "-A",
        "peer",
        "-E",
        "UTF8",
    ]
    command += _locale_options(programs)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd="/",
        env=clean_environment(),
        check=False,
        **user.process_options,
    )
    if done.returncode != 0:
        complaint = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise TrialError(f"PostgreSQL cannot make its data folder {data}: {complaint[0] if complaint else 'no reason'}")
    unfinished.rename(data)


def _locale_options(programs: Path) -> list[str]:
    """Choose text that sorts alike on every machine: the server's own rules, which came with PostgreSQL 17."""
    command = [str(programs / "initdb"), "--help"]
    known = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=False).stdout
    if "--builtin-locale" in known:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def write_access_rules(data: Path, user: OsUser) -> None:
    """Let in only whoever runs the server, and root when it was root who started it, by who they are to the system."""
    operators = {user.name, "root"} if user.is_switched else {user.name}
    maps = [f"trial {operator} {role}" for operator in sorted(operators) for role in (SUPERUSER, OWNER)]
    rules = ["local all all peer map=trial", "local replication all peer map=trial"]
    for name, lines in (("pg_ident.conf", maps), ("pg_hba.conf", rules)):
        (data / name).write_text("\n".join(lines) + "\n")
        user.own(data / name)


def clear_after_a_kill(data: Path, sockets: Path) -> None:
    """Remove what a killed server left in the way of the next one, once nobody works on its data any more.

    Raises:
        TrialError: somebody still does.
    """
    stale = [path for path in (data / "postmaster.pid", sockets / SOCKET_LOCK) if path.exists()]
    if not stale or not processes.PROC.is_dir():
        return
    # Backends of a killed server leave within moments. Removing the files while one still works would let two
    # servers write the same data, so whoever stays is told to go first.
    if not processes.wait_until(lambda: not processes.processes_working_in(data), within_seconds=ORPHAN_SECONDS):
        for pid in processes.processes_working_in(data):
            os.kill(pid, signal.SIGQUIT)
        if not processes.wait_until(lambda: not processes.processes_working_in(data), within_seconds=ORPHAN_SECONDS):
            raise TrialError(f"Processes of an earlier PostgreSQL still work in {data}.")
    # The id in them may by now be another program's, or a dead child's that nobody has reaped; the server would
    # take either for a rival.
    for path in stale:
        path.unlink(missing_ok=True)
