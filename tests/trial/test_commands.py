"""What can be done with a trial that does not run: look at it, and empty it."""

import io
from pathlib import Path

import pytest

from trial import commands
from trial.commands import sole_supervisor
from trial.console import Console
from trial.engines.postgres import find_postgres, start_postgres
from trial.engines.valkey import start_valkey
from trial.errors import TrialError
from trial.paths import TrialPaths


@pytest.fixture
def paths(tmp_path: Path) -> TrialPaths:
    return TrialPaths(tmp_path / "var")


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


def test_reset_stops_leftover_engines_and_empties_the_folder(paths: TrialPaths, screen: io.StringIO) -> None:
    postgres = start_postgres(paths.postgres)
    valkey = start_valkey(paths.valkey)
    of_tests = start_valkey(paths.var / "tests" / "valkey")
    paths.keys.write_text("{}")
    commands.reset(paths, Console(screen))
    assert not postgres.is_running()
    assert not valkey.is_running()
    assert not of_tests.is_running()
    assert not postgres.data_dir.exists()
    assert list(paths.var.iterdir()) == [paths.lock]
    assert find_postgres(paths.postgres) is None


def test_reset_refuses_while_the_trial_runs(paths: TrialPaths, screen: io.StringIO) -> None:
    with sole_supervisor(paths):
        paths.keys.write_text("{}")
        with pytest.raises(TrialError, match="already running"):
            commands.reset(paths, Console(screen))
    assert paths.keys.exists()


def test_reset_of_nothing_is_no_error(paths: TrialPaths, screen: io.StringIO) -> None:
    commands.reset(paths, Console(screen))
    assert screen.getvalue() == "Nothing to reset.\n"
    assert not paths.var.exists()


def test_status_tells_what_runs(paths: TrialPaths, screen: io.StringIO) -> None:
    commands.status(paths, Console(screen))
    assert "supervisor  stopped" in screen.getvalue()
    with sole_supervisor(paths):
        commands.status(paths, Console(screen))
    assert "supervisor  running" in screen.getvalue()


def test_a_command_needs_a_running_trial(paths: TrialPaths) -> None:
    with pytest.raises(TrialError, match="No trial is running"):
        commands.execute(paths, ["true"])
