"""Runs a whole trial: engines, what the steps need, one migration, the seed, then all children, until it is to stop.

Whatever happens on the way, nothing is left running behind: everything is stopped in the reverse of who needs whom,
each with a bound. One supervisor at a time works on a folder, and holds its lock for as long as it lives.
"""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from trial.child import Child, ChildSpec, Surroundings, end_leftovers
from trial.console import Console
from trial.engines.slots import Engine, EngineSlot
from trial.environment import LOCAL
from trial.errors import TrialError
from trial.paths import TrialPaths
from trial.signals import Stopped, StopRequest
from trial.steps import Step, complaint, run_step

READY_SECONDS = 60.0
DEATHS_BEFORE_READY = 3
TICK_SECONDS = 0.2
# Our own server on this machine: a proxy from the environment must not be asked for it.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Programme:
    """What one trial consists of. Children are stopped in the order given, engines in the reverse of theirs."""

    engines: Sequence[EngineSlot]
    steps: Sequence[Step]
    children: Sequence[ChildSpec]
    ports: dict[str, int]
    ready_urls: Sequence[str]
    closing_step: Step


@dataclass
class Supervisor:
    """Runs one programme in one folder."""

    programme: Programme
    paths: TrialPaths
    surroundings: Surroundings
    stop_request: StopRequest
    announcement: str
    _engines: dict[str, Engine] = field(default_factory=dict)
    _children: list[Child] = field(default_factory=list)

    @property
    def _console(self) -> Console:
        return self.surroundings.console

    def run(self) -> None:
        """Run until a stop is wanted; returns when everything is stopped.

        Raises:
            TrialError: it could not start; everything is stopped again.
        """
        try:
            self._start()
            self._announce()
            self._watch()
        except Stopped:
            self._console.say("\nStopping … (data is kept)")
        finally:
            self._stop_all()
        self._console.say("Stopped.")

    def _start(self) -> None:
        if left := end_leftovers(self.paths.var):
            self._console.say(f"ended {len(left)} processes that a killed run had left behind")
        require_free_ports(self.programme.ports)
        for slot in self.programme.engines:
            self._start_engine(slot)
        self._children = [Child(spec, self.surroundings) for spec in self.programme.children]
        needed = [child for child in self._children if child.spec.needed_at is not None]
        self._wait_until_ready(needed, [child.spec.needed_at or "" for child in needed])
        for step in self.programme.steps:
            started_at = time.monotonic()
            run_step(step, surroundings=self.surroundings, stop=self.stop_request)
            self._console.say(f"{step.name}: done in {time.monotonic() - started_at:.1f} s")
        self._wait_until_ready(self._children, self.programme.ready_urls)

    def _start_engine(self, slot: EngineSlot) -> None:
        started_at = time.monotonic()
        with self.stop_request.interrupting():
            engine = self._engines[slot.name] = slot.start()
        environment = {**self.surroundings.environment, slot.setting: engine.url()}
        self.surroundings = replace(self.surroundings, environment=environment)
        self._console.say(f"{slot.name}: ready in {time.monotonic() - started_at:.1f} s")

    def _wait_until_ready(self, children: Sequence[Child], urls: Sequence[str]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while unready := [url for url in urls if not is_ready(url)]:
            self.stop_request.check()
            for child in children:
                child.tend()
                if child.deaths >= DEATHS_BEFORE_READY:
                    log = self.surroundings.logs / f"{child.spec.name}.log"
                    raise TrialError(f"{child.spec.name} does not start: {complaint([child.last_line])} (see {log})")
            if time.monotonic() > deadline:
                raise TrialError(
                    f"Not ready within {READY_SECONDS:.0f} seconds: {unready[0]} does not answer "
                    f"(see {self.surroundings.logs})."
                )
            time.sleep(TICK_SECONDS)

    def _announce(self) -> None:
        try:
            lines = run_step(self.programme.closing_step, surroundings=self.surroundings, stop=self.stop_request)
        except TrialError as error:
            lines = [str(error)]
        self._console.say("\n".join([self.announcement, *lines, ""]))

    def _watch(self) -> None:
        while True:
            self.stop_request.check()
            for child in self._children:
                child.tend()
            for slot in self.programme.engines:
                self._tend_engine(slot)
            time.sleep(TICK_SECONDS)

    def _tend_engine(self, slot: EngineSlot) -> None:
        if self._engines[slot.name].is_running():
            return
        self._console.say(f"{slot.name} ended; started again on the same data")
        try:
            self._start_engine(slot)
        except TrialError as error:
            self._console.say(f"{slot.name} does not start again: {error}")
            time.sleep(TICK_SECONDS * 5)

    def _stop_all(self) -> None:
        for child in self._children:
            child.stop(is_urgent=lambda: self.stop_request.is_urgent)
        for slot in reversed(self.programme.engines):
            # Looked up on disk, not in memory: an interrupted start may have left one that we never got hold of.
            try:
                slot.stop()
            except (TrialError, OSError) as error:
                self._console.say(f"{slot.name} could not be stopped: {error}")


def require_free_ports(ports: dict[str, int]) -> None:
    """Make sure that nobody else listens where we are going to.

    Raises:
        TrialError: a port is taken or not allowed; the message names the setting that changes it.
    """
    for setting, port in ports.items():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOCAL, port))
            except PermissionError:
                raise TrialError(f"Port {port} is not allowed to this user; set {setting} to one above 1023.") from None
            except OSError:
                raise TrialError(
                    f"Port {port} is in use by another program: stop it, or choose another port, "
                    f"as in `make run {setting}={port + 50}`."
                ) from None


def is_ready(url: str) -> bool:
    """Tell whether a server answers there and calls itself ready."""
    try:
        with _direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False
