"""The four things that can be done with a trial: run it, look at it, run a command inside it, empty it."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from trial import processes
from trial.child import MARKER, Surroundings, end_leftovers
from trial.console import Console
from trial.dotenv import read_dotenv
from trial.engines.homes import remove_home
from trial.engines.postgres import find_postgres
from trial.engines.slots import postgres_slot, valkey_slot
from trial.engines.valkey import find_valkey
from trial.environment import TrialPlan, plan_trial, sandbox_config
from trial.errors import TrialError
from trial.keys import load_keys
from trial.paths import PROJECT, TrialPaths
from trial.programme import announcement_of, programme_of
from trial.signals import StopRequest
from trial.supervisor import Supervisor


def run(paths: TrialPaths, console: Console) -> None:
    """Run the trial until Ctrl-C.

    Raises:
        TrialError: it cannot run; nothing is left running.
    """
    stop_request = StopRequest()
    stop_request.install()
    with sole_supervisor(paths):
        plan, keys = _prepared(paths)
        if plan.needs_sandbox:
            config = sandbox_config(plan, keys=keys)
            _write_private(paths.sandbox_config, json.dumps(config, ensure_ascii=False, indent=1))
        _empty(paths.metrics)
        environment = {**os.environ, **plan.values, MARKER: str(paths.var)}
        surroundings = Surroundings(environment=environment, folder=PROJECT, logs=paths.logs, console=console)
        Supervisor(
            programme=programme_of(plan, paths),
            paths=paths,
            surroundings=surroundings,
            stop_request=stop_request,
            announcement=announcement_of(plan),
        ).run()


def _empty(folder: Path) -> None:
    """Begin with an empty folder: what dead processes counted belongs to an earlier run."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def execute(paths: TrialPaths, command: Sequence[str]) -> None:
    """Become a command that sees the settings and engines of the running trial, such as ``flask ledger verify``.

    Raises:
        TrialError: the trial does not run, or there is no such command.
    """
    if not processes.is_locked(paths.lock):
        raise TrialError("No trial is running here; start it with `make run` first.")
    plan, _ = _prepared(paths)
    values = dict(plan.values)
    for slot in (postgres_slot(paths), valkey_slot(paths)):
        if slot.setting not in values and (engine := slot.find()):
            values[slot.setting] = engine.url()
    try:
        os.execvpe(command[0], list(command), {**os.environ, **values})
    except OSError as error:
        raise TrialError(f"{command[0]} cannot be run: {error.strerror}.") from error


def status(paths: TrialPaths, console: Console) -> None:
    """Show what of the trial is running."""
    console.say(f"supervisor  {'running' if processes.is_locked(paths.lock) else 'stopped'}")
    for slot in (postgres_slot(paths), valkey_slot(paths)):
        console.say(f"{slot.name:<11} {'running' if slot.find() else 'stopped'}")
    others = processes.processes_marked(f"{MARKER}={paths.var}")
    console.say(f"processes   {len(others)}")


def reset(paths: TrialPaths, console: Console) -> None:
    """Stop what a killed run left behind and delete all data of the trial.

    Raises:
        TrialError: the trial is running, or something cannot be deleted.
    """
    if not paths.var.exists():
        console.say("Nothing to reset.")
        return
    with sole_supervisor(paths):
        end_leftovers(paths.var)
        for folder in _engine_folders(paths.var):
            for engine in (find_postgres(folder), find_valkey(folder)):
                if engine is not None:
                    engine.stop()
            remove_home(folder)
        for entry in paths.var.iterdir():
            if entry != paths.lock:
                _delete(entry)
    console.say("All data of the trial is deleted.")


@contextmanager
def sole_supervisor(paths: TrialPaths) -> Iterator[None]:
    """Be the only one who runs or resets the trial of this folder.

    Raises:
        TrialError: another one is at it, or the folder cannot be written.
    """
    try:
        paths.var.mkdir(parents=True, exist_ok=True)
        if processes.is_locked(paths.lock):
            raise TrialError(f"A trial is already running here ({paths.var}); stop it with Ctrl-C in its terminal.")
        with processes.exclusive(paths.lock, within_seconds=1):
            yield
    except OSError as error:
        raise TrialError(f"Cannot use {error.filename or paths.var}: {error.strerror}.") from error


def _prepared(paths: TrialPaths) -> tuple[TrialPlan, Mapping[str, str]]:
    chosen = read_dotenv(PROJECT / ".env") | os.environ
    keys = load_keys(paths.keys)
    return plan_trial(chosen, keys=keys, paths=paths), keys


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _engine_folders(var: Path) -> list[Path]:
    # Also those of the tests and the bench: a server whose files are deleted below it would live on without them.
    marks = ("*/starter.lock", "*/*/starter.lock", "*/moved-to", "*/*/moved-to")
    return sorted({found.parent for mark in marks for found in var.glob(mark)})


def _delete(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
