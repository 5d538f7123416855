"""The embedded Redis-protocol server: starts, is found again, and keeps its data over stops and kills."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from trial.engines.valkey import find_valkey, remove_valkey, start_valkey
from trial.errors import TrialError


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    data_dir = tmp_path / "var" / "valkey"
    yield data_dir
    remove_valkey(data_dir)


def client_of(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def test_data_survives_a_clean_stop_and_the_next_start(folder: Path) -> None:
    server = start_valkey(folder)
    with client_of(server.url()) as client:
        client.set("greeting", "你好")
    server.stop()
    assert not server.is_running()
    assert find_valkey(folder) is None

    with client_of(start_valkey(folder).url()) as client:
        assert client.get("greeting") == "你好"


def test_a_running_server_is_found_and_used_again(folder: Path) -> None:
    first = start_valkey(folder)
    assert start_valkey(folder).pid == first.pid


def test_it_starts_again_after_a_kill(folder: Path) -> None:
    first = start_valkey(folder)
    with client_of(first.url()) as client:
        client.set("kept", "yes")
        client.waitaof(1, 0, 5000)
    os.kill(first.pid, signal.SIGKILL)

    second = start_valkey(folder)
    assert second.pid != first.pid
    with client_of(second.url()) as client:
        assert client.get("kept") == "yes"


def test_a_pid_file_that_names_a_foreign_process_is_no_obstacle(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "server.pid").write_text(f"{os.getpid()}\n")
    server = start_valkey(folder)
    assert server.pid != os.getpid()
    assert server.is_running()


def test_only_its_owner_reaches_it_and_only_by_its_socket(folder: Path) -> None:
    server = start_valkey(folder)
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    with client_of(server.url(3)) as client:
        settings = client.config_get("port", "appendonly", "maxmemory-policy")
    assert settings == {"port": "0", "appendonly": "yes", "maxmemory-policy": "noeviction"}


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 20) / "valkey"
    server = start_valkey(data_dir)
    try:
        assert server.is_running()
        assert len(str(server.socket)) <= 100
    finally:
        remove_valkey(data_dir)
    assert not server.socket.parent.parent.exists()


def test_a_folder_that_cannot_be_made_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file is in the way")
    with pytest.raises(TrialError, match="cannot use .*valkey: Not a directory"):
        start_valkey(tmp_path / "var" / "valkey")
