"""Checks that the migrations and the tables in the code say the same: ``python -m trial.drift``.

It migrates an empty database from the first to the last migration and asks what is still missing. The database lies in
a folder of its own and is deleted again; no data of the trial, and no ``DATABASE_URL`` of the user, is touched.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from trial.engines.postgres import remove_postgres, start_postgres
from trial.engines.valkey import remove_valkey, start_valkey
from trial.environment import plan_trial
from trial.errors import TrialError
from trial.keys import load_keys
from trial.paths import PROJECT, TrialPaths
from trial.programme import FLASK


def check_drift(folder: Path) -> int:
    """Migrate an empty database in this folder and compare; answers like a command, zero when all is well.

    Raises:
        TrialError: the engines do not start.
    """
    paths = TrialPaths(folder)
    try:
        plan = plan_trial({}, keys=load_keys(paths.keys), paths=paths)
        engines = {
            "DATABASE_URL": start_postgres(paths.postgres, is_durable=False).url(),
            "REDIS_URL": start_valkey(paths.valkey).url(),
        }
        environment = {**os.environ, **plan.values, **engines, "LOG_LEVEL": "WARNING"}
        for action in ("upgrade", "check"):
            done = subprocess.run([*FLASK, "db", action], cwd=PROJECT, env=environment, check=False)
            if done.returncode != 0:
                return done.returncode
        return 0
    finally:
        remove_valkey(paths.valkey)
        remove_postgres(paths.postgres)


def main() -> int:
    """Check in a temporary folder."""
    try:
        with tempfile.TemporaryDirectory(prefix="drift-") as folder:
            status = check_drift(Path(folder))
    except (TrialError, OSError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    print("migrations and tables agree" if status == 0 else "✗ migrations and tables differ", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
