"""Where an engine's files lie: in the data folder, or in a private temporary folder where that cannot work.

Two things can rule the data folder out: the engine's user cannot reach it (a project below a private home), or its path
is too long for a unix socket. Permissions of folders that are not ours are never changed to get round either.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trial.engines.service_user import OsUser
from trial.errors import TrialError

# Linux allows 107 bytes, macOS 103, for the whole path of a unix socket.
LONGEST_SOCKET_PATH = 100
DATA = "data"
# Outlives a restart of the machine, which /tmp often does not. Whatever is found there is checked for its owner.
LASTING_TEMPORARY = "/var/tmp"  # noqa: S108


@dataclass(frozen=True)
class Home:
    """The two folders an engine lives in; ``base`` holds its data, ``sockets`` its socket."""

    base: Path
    sockets: Path


def home_of(data_dir: Path, *, user: OsUser, socket_name: str) -> Home:
    """Choose and prepare the folders of one engine, the same ones every time for the same data folder.

    Raises:
        TrialError: the temporary folder belongs to somebody else, or existing data is out of the user's reach.
        OSError: a folder cannot be made.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    home = find_home(data_dir, socket_name=socket_name)
    if home.base == data_dir and not user.can_enter(data_dir):
        if (data_dir / DATA).is_dir():
            raise TrialError(f"The user {user.name} can no longer reach its data in {data_dir}; run `make reset`.")
        home = _home_elsewhere(data_dir)
    if home.sockets.parent != data_dir:
        (data_dir / "moved-to").write_text(f"{_made(home.sockets.parent)}\n")
    _own_folder(home.sockets, user)
    return home


def find_home(data_dir: Path, *, socket_name: str) -> Home:
    """Find the folders that an engine of this data folder would have used, touching nothing.

    Data that already lies somewhere stays there, whatever happened to permissions meanwhile: starting an empty
    database beside it would look like a loss.
    """
    elsewhere = _home_elsewhere(data_dir)
    if (elsewhere.base / DATA).is_dir():
        return elsewhere
    sockets = data_dir / "sockets"
    is_short = len(os.fsencode(sockets / socket_name)) <= LONGEST_SOCKET_PATH
    return Home(base=data_dir, sockets=sockets if is_short else elsewhere.sockets)


def remove_home(data_dir: Path) -> None:
    """Delete the data folder and its temporary stand-in, if any."""
    shutil.rmtree(data_dir, ignore_errors=True)
    temporary = _temporary(data_dir)
    if temporary.is_dir() and temporary.stat().st_uid == os.geteuid():
        shutil.rmtree(temporary, ignore_errors=True)


def _home_elsewhere(data_dir: Path) -> Home:
    base = _temporary(data_dir)
    return Home(base=base, sockets=base / "sockets")


def _temporary(data_dir: Path) -> Path:
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
    is_lasting = os.access(LASTING_TEMPORARY, os.W_OK | os.X_OK)
    return Path(LASTING_TEMPORARY if is_lasting else tempfile.gettempdir()) / f"member-portal-{name}"


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        # The name can be guessed, so somebody else may have put a folder or a link there first.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise TrialError(
                f"{folder} exists but does not belong to this user alone; remove it and try again."
            ) from None
    folder.chmod(0o711)
    return folder


def _own_folder(folder: Path, user: OsUser) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    user.own(folder)
    return folder
