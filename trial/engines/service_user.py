"""The unprivileged operating-system user that PostgreSQL runs as when we are root, since it refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from trial.errors import TrialError
from trial.processes import find_program

SERVICE_USER = "portal-trial"


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class OsUser:
    """Who runs the engine: ourselves, or the service user when we are root."""

    name: str
    uid: int
    gid: int
    is_switched: bool

    @property
    def process_options(self) -> _Identity:
        """Arguments of ``subprocess`` that start a process as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_switched else {}

    def own(self, path: Path) -> None:
        """Give a path of ours to this user."""
        if self.is_switched:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user reaches a folder, by trying it as this user."""
        if not self.is_switched:
            return os.access(folder, os.X_OK)
        return self._succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])

    def can_run(self, program: Path) -> bool:
        """Tell whether this user can run a program that answers ``--version``."""
        return not self.is_switched or self._succeeds([str(program), "--version"])

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(command, capture_output=True, cwd="/", check=False, **self.process_options)
        except OSError:
            return False
        return done.returncode == 0


def current_user() -> OsUser:
    """Say who we are, for an engine that runs as any user, root included."""
    return OsUser(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), is_switched=False)


def engine_user() -> OsUser:
    """Say who the engine runs as; when we are root, that is the service user, created once if absent.

    Raises:
        TrialError: we have no entry in the user database, or are root and cannot create the service user.
    """
    if os.geteuid() != 0:
        return _from_entry(_entry_of_uid(os.geteuid()), is_switched=False)
    entry = _entry_of_name(SERVICE_USER) or _created()
    return _from_entry(entry, is_switched=True)


def _from_entry(entry: pwd.struct_passwd, *, is_switched: bool) -> OsUser:
    return OsUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, is_switched=is_switched)


def _entry_of_uid(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise TrialError(
            f"PostgreSQL needs a named user, but user id {uid} has no name on this machine. Set DATABASE_URL instead."
        ) from None


def _entry_of_name(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _created() -> pwd.struct_passwd:
    # Debian and the Red Hat family have useradd, Alpine and busybox only adduser.
    if useradd := find_program("useradd"):
        command = [
            str(useradd),
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
        ]
        command += ["--shell", "/usr/sbin/nologin", SERVICE_USER]
    elif adduser := find_program("adduser"):
        command = [
            str(adduser),
            "-S",
            "-D",
            "-H",
            "-h",
            "/nonexistent",
            "-s",
            "/sbin/nologin",
            SERVICE_USER,
        ]
    else:
        command = ["false"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Looked up again whatever the answer was: a second starter may have created it in the same moment.
    entry = _entry_of_name(SERVICE_USER)
    if entry is None:
        raise TrialError(
            f"PostgreSQL does not run as root, and the user {SERVICE_USER} could not be created "
            f"({done.stderr.strip() or 'no useradd here'}). Run as an ordinary user, or set DATABASE_URL."
        )
    return entry
