"""Starting, keeping and repeating a sandbox."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.config import parse
from sandbox.server import StartFailed, start
from sandbox.shapes import ConfigInvalid
from tests.sandbox.driver import Sim

ROOT = Path(__file__).parents[2]


def test_the_next_run_keeps_people_follows_messages_and_clock(config: dict[str, Any], tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state.sqlite"
    handle = start(config, state=state)
    sim = Sim(handle)
    user = sim.follower()
    sim.template_message(user)
    sim.advance(500)
    kept = (sim.show("/users"), sim.messages(user))
    handle.stop()
    again = start(config, state=state)
    try:
        sim = Sim(again)
        assert (sim.show("/users"), sim.messages(user)) == kept
        assert sim.show("/clock")["offset_seconds"] == 500
        assert sim.template_message(user)["errcode"] == 0
    finally:
        again.stop()


def test_a_seed_repeats_ids_but_never_within_one_state(config: dict[str, Any], tmp_path: Path) -> None:
    def first_openids(state: Path) -> dict[str, str]:
        handle = start(config, state=state, seed=7)
        try:
            openids: dict[str, str] = Sim(handle).user()["openids"]
            return openids
        finally:
            handle.stop()

    one, other = first_openids(tmp_path / "one"), first_openids(tmp_path / "other")
    assert one == other
    assert first_openids(tmp_path / "one") != one


def test_the_clock_file_is_shared_both_ways(
    start_sim: Callable[..., Sim], config: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "offset"
    sim = start_sim(config, clock_offset_file=file)
    sim.advance(60)
    assert file.read_text() == "60"
    file.write_text("120\n")
    assert sim.show("/clock")["offset_seconds"] == 120
    file.write_text("soon")
    assert "must hold an integer" in sim.control("/clock", method="GET", status=503)["error"]


def test_a_busy_port_and_a_foreign_state_file_are_named(sim: Sim, config: dict[str, Any], tmp_path: Path) -> None:
    port = int(sim.url.rsplit(":", 1)[1])
    with pytest.raises(StartFailed, match=f"127.0.0.1:{port} is in use"):
        start(config, port=port)
    with pytest.raises(StartFailed, match="is not a port"):
        start(config, port=70000)
    foreign = tmp_path / "notes.txt"
    foreign.write_text("not a database " * 100)
    with pytest.raises(StartFailed, match="notes.txt"):
        start(config, state=foreign)


def test_a_state_file_of_another_version_is_refused(config: dict[str, Any], tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    start(config, state=state).stop()
    with sqlite3.connect(state) as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(StartFailed, match="another version"):
        start(config, state=state)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"acounts": []}, "acounts"),
        ({"accounts": [{"appid": "wx1"}]}, "account wx1"),
        ({"accounts": "wx1"}, "accounts"),
        ({"templates": [{"appid": "wx0", "template_id": "t", "kind": "template", "title": "", "content": ""}]}, "wx0"),
        ({"sms": {"secret": "s"}}, "sms"),
        ({"push_timeout_seconds": "5"}, "push_timeout_seconds"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigInvalid, match=named):
        parse(change)


def test_a_key_of_the_wrong_length_is_refused(config: dict[str, Any]) -> None:
    config["accounts"][0]["aes_key"] = "short"
    with pytest.raises(ConfigInvalid, match="aes_key must have 43 characters"):
        parse(config)


def run(*options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sandbox", "--port", "0", *options]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_the_command_serves_until_it_is_interrupted(config: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text(json.dumps(config))
    with run("--config", str(file)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert requests.get(f"{url}/_sim/users", timeout=5).json() == []
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_the_command_ends_when_it_is_told_so_many_times_at_once(config: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text(json.dumps(config))
    with run("--config", str(file)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in [signal.SIGTERM, signal.SIGINT] * 50:
            process.send_signal(number)
        assert process.wait(10) == 0


def test_the_command_says_in_one_line_why_it_cannot_start(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text("{")
    with run("--config", str(file)) as process:
        _, error = process.communicate(timeout=20)
    assert process.returncode == 2
    assert error.startswith("sandbox: ")
    assert error.count("\n") == 1
