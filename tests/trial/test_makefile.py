"""The commands of a newcomer fail in words that help."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trial.paths import PROJECT

make = shutil.which("make")
pytestmark = pytest.mark.skipif(make is None, reason="make is not installed")


def run_make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [str(make), "--no-print-directory", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_failing_step_of_a_check_is_named(tmp_path: Path) -> None:
    # A stamp newer than the lock and an environment of the test's own: nothing may be made anew in the project.
    stamp = tmp_path / ".installed"
    stamp.touch()
    done = run_make("check", f"STAMP={stamp}", f"VENV={tmp_path / 'venv'}", "PY=/bin/false")
    assert done.returncode != 0
    assert "── check: format" in done.stdout
    assert "✗ make check failed at: format (alone: make check-format)" in done.stderr
    assert "── check: lint" not in done.stdout


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    for program in ("sh", "rm", "touch"):
        found = shutil.which(program)
        assert found
        (tmp_path / program).symlink_to(found)
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    stamp = tmp_path / ".installed"
    done = run_make(str(stamp), f"VENV={tmp_path / 'venv'}", f"STAMP={stamp}", path=str(tmp_path))
    assert done.returncode != 0
    assert "✗ No Python 3.11 or newer with venv was found." in done.stderr
    assert not stamp.exists()


def test_the_whole_text_of_the_ci_script_is_valid_and_it_is_executable() -> None:
    script = PROJECT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_production_is_refused_by_the_trial_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trial", "run"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "PORTAL_ENV": "production"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("✗ PORTAL_ENV is production")
    assert len(done.stderr.splitlines()) == 1
