"""The real system for the browser tests: what ``make run`` starts, on ports and data of the tests' own."""

import io
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support import engines
from trial import processes
from trial.child import MARKER, Child, Surroundings, end_leftovers
from trial.console import Console
from trial.environment import LOCAL, TrialPlan, plan_trial, sandbox_config
from trial.keys import load_keys
from trial.paths import PROJECT, TrialPaths
from trial.programme import programme_of
from trial.signals import StopRequest
from trial.steps import run_step
from trial.supervisor import is_ready

READY_SECONDS = 60.0
MESSAGE_SECONDS = 20.0


@dataclass(frozen=True)
class System:
    """A running trial: its addresses, the settings of its processes, and its simulated platform."""

    plan: TrialPlan

    @property
    def web(self) -> str:
        """Where our pages are."""
        return self.plan.web_url

    @property
    def sandbox(self) -> str:
        """Where the simulated phone is."""
        return self.plan.sandbox_url

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment that our processes were started with."""
        return self.plan.values

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Call the sandbox's control API."""
        answer = requests.request(method, f"{self.sandbox}/_sim{path}", json=body or None, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def message(self, user_id: int, *, channel: str, title: str) -> dict[str, Any]:
        """Return the first message of a kind on somebody's phone, waiting for it as long as workers may take."""
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            messages = self.control("GET", f"/users/{user_id}/messages")
            found[:] = [one for one in messages if one["channel"] == channel and one["title"] == title]
            return bool(found)

        assert processes.wait_until(arrived, within_seconds=MESSAGE_SECONDS), f"no {channel} message {title!r} arrived"
        return found[0]


@contextmanager
def running_system(folder: Path) -> Iterator[System]:
    """Start engines, sandbox, web server, worker and scheduler with the demo chain; everything ends with the block."""
    paths = TrialPaths(folder)
    keys = load_keys(paths.keys)
    with ExitStack() as stack:
        database = stack.enter_context(engines.served_database("browser"))
        chosen = {
            "DATABASE_URL": database.url,
            "DATABASE_POOLING": database.pooling,
            "REDIS_URL": engines.redis_url(),
            "PORT": str(free_port()),
            "SANDBOX_PORT": str(free_port()),
        }
        plan = plan_trial(chosen, keys=keys, paths=paths)
        config = sandbox_config(plan, keys=keys)
        paths.sandbox_config.write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
        paths.metrics.mkdir()
        stack.callback(end_leftovers, paths.var)
        _start(stack, plan, paths)
        yield System(plan)


def _start(stack: ExitStack, plan: TrialPlan, paths: TrialPaths) -> None:
    environment = {**os.environ, **plan.values, MARKER: str(paths.var)}
    surroundings = Surroundings(environment, PROJECT, paths.logs, Console(io.StringIO()))
    programme = programme_of(plan, paths)
    children = {spec.name: Child(spec, surroundings) for spec in programme.children}
    for name in ("sandbox", "web", "worker", "scheduler"):
        children[name].tend()
        stack.callback(children[name].stop, is_urgent=lambda: False)
        if name == "sandbox":
            _wait_for(f"{plan.sandbox_url}/_sim/clock", children[name])
            for step in programme.steps:
                run_step(step, surroundings=surroundings, stop=StopRequest())
    for url in programme.ready_urls:
        _wait_for(url, children["web"])


def _wait_for(url: str, child: Child) -> None:
    is_there = processes.wait_until(lambda: is_ready(url), within_seconds=READY_SECONDS)
    assert is_there, f"{url} does not answer: {child.last_line}"


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])
