"""The embedded PostgreSQL: starts, is found again, survives a kill, and leaves foreign folders alone."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from trial import processes
from trial.engines.homes import home_of
from trial.engines.postgres import PostgresServer, find_postgres, remove_postgres, start_postgres
from trial.engines.postgres_binaries import PACKAGE, reachable_programs, wheel_programs
from trial.engines.postgres_cluster import SOCKET_LOCK
from trial.engines.service_user import current_user, engine_user
from trial.errors import TrialError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root switches users")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    data_dir = tmp_path / "var" / "postgres"
    yield data_dir
    remove_postgres(data_dir)


def modes_of_parents(path: Path) -> dict[Path, tuple[int, int, int]]:
    return {
        parent: (parent.stat().st_mode, parent.stat().st_uid, parent.stat().st_gid)
        for parent in path.parents
        if parent.exists()
    }


def remember(server: PostgresServer, value: int) -> None:
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute("create table if not exists notes (value int)")
        connection.execute("insert into notes values (%s)", (value,))


def remembered(server: PostgresServer) -> list[int]:
    with psycopg.connect(server.conninfo()) as connection:
        return [row[0] for row in connection.execute("select value from notes order by value")]


def test_data_survives_a_clean_stop_and_the_next_start(folder: Path) -> None:
    first = start_postgres(folder)
    remember(first, 1)
    first.stop()
    assert not first.is_running()
    assert find_postgres(folder) is None

    assert remembered(start_postgres(folder)) == [1]


def test_a_running_server_is_found_and_used_again(folder: Path) -> None:
    first = start_postgres(folder)
    second = start_postgres(folder)
    assert second.pid == first.pid
    assert find_postgres(folder) is not None
    second.stop()
    assert not first.is_running()


def test_committed_data_survives_a_kill_with_a_busy_connection(folder: Path) -> None:
    first = start_postgres(folder)
    remember(first, 1)
    busy = psycopg.connect(first.conninfo())
    busy.execute("insert into notes values (2)")  # open transaction: its server process outlives the killed one
    os.kill(first.pid, signal.SIGKILL)
    second = start_postgres(folder)
    assert second.pid != first.pid
    assert remembered(second) == [1]
    busy.close()


def test_a_pid_file_that_names_a_foreign_process_is_no_obstacle(folder: Path) -> None:
    first = start_postgres(folder)
    first.stop()
    data = first.data_dir
    pid_file = data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{data}\n1\n5432\n{first.sockets}\n\n\nready\n")
    engine_user().own(pid_file)

    second = start_postgres(folder)
    assert second.pid != os.getpid()
    assert second.is_running()


def test_an_interrupted_first_start_is_repeated(folder: Path) -> None:
    base = home_of(folder, user=engine_user(), socket_name=SOCKET_LOCK).base
    (base / "data.unfinished").mkdir()
    (base / "data.unfinished" / "PG_VERSION").write_text("18\n")

    assert start_postgres(folder).is_running()


def test_no_folder_above_the_data_changes_its_permissions(tmp_path: Path, folder: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    hidden = private / "project" / "var" / "postgres"
    hidden.parent.mkdir(parents=True)
    before = modes_of_parents(hidden)
    server = start_postgres(hidden)
    try:
        assert modes_of_parents(hidden) == before
        assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
        remember(server, 1)
    finally:
        remove_postgres(hidden)
    assert not server.data_dir.exists()
    assert not server.is_running()
    assert modes_of_parents(hidden) == before


def test_the_wheels_files_keep_their_permissions(folder: Path) -> None:
    programs = wheel_programs()
    before = {path: path.stat().st_mode for path in (programs, *programs.parents, *programs.iterdir())}
    start_postgres(folder)
    assert {path: path.stat().st_mode for path in before} == before


@as_root
def test_a_private_environment_is_copied_for_the_service_user(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    hidden = private / PACKAGE
    shutil.copytree(wheel_programs().parents[1], hidden, symlinks=True)
    libraries = wheel_programs().parents[2] / f"{PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, private / f"{PACKAGE}.libs")
    user = engine_user()
    home = home_of(tmp_path / "postgres", user=user, socket_name=SOCKET_LOCK)
    try:
        programs = reachable_programs(user=user, base=home.base, programs=hidden / "pginstall" / "bin")
        assert programs.is_relative_to(home.base)
        assert user.can_run(programs / "initdb")
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    finally:
        remove_postgres(tmp_path / "postgres")


@as_root
def test_a_root_that_starts_it_runs_it_as_somebody_else(folder: Path) -> None:
    server = start_postgres(folder)
    assert Path(f"/proc/{server.pid}").stat().st_uid == engine_user().uid != 0


@as_root
def test_a_temporary_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    data_dir = tmp_path / "postgres"
    home = home_of(data_dir, user=engine_user(), socket_name=SOCKET_LOCK)
    try:
        assert home.base != data_dir, "the test folder is expected to be private"
        os.chown(home.base, engine_user().uid, -1)
        with pytest.raises(TrialError, match="does not belong to this user alone"):
            start_postgres(data_dir)
    finally:
        shutil.rmtree(home.base)


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 20) / "postgres"
    home = home_of(data_dir, user=current_user(), socket_name=SOCKET_LOCK)
    try:
        assert home.base == data_dir
        assert len(str(home.sockets / SOCKET_LOCK)) <= 100
    finally:
        remove_postgres(data_dir)


def test_it_does_not_listen_on_the_network_and_knows_no_password(folder: Path) -> None:
    server = start_postgres(folder)
    with psycopg.connect(server.conninfo()) as connection:
        shown = connection.execute("select current_setting('listen_addresses'), current_user").fetchone()
        durable = [connection.execute(f"show {name}").fetchone() for name in ("synchronous_commit", "fsync")]
        rules = (server.data_dir / "pg_hba.conf").read_text()
    assert shown == ("", "portal")
    assert durable == [("on",), ("on",)]
    assert "trust" not in rules


def test_databases_are_made_from_a_template_and_dropped(folder: Path) -> None:
    server = start_postgres(folder, is_durable=False)
    remember(server, 7)
    server.create_database("copy_of_it", template="portal")
    server.create_database("copy_of_it", template="portal")
    with psycopg.connect(server.conninfo("copy_of_it")) as connection:
        assert connection.execute("select value from notes").fetchone() == (7,)
    server.drop_database("copy_of_it")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(server.conninfo("copy_of_it"))


def test_a_folder_that_cannot_be_made_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file is in the way")
    with pytest.raises(TrialError, match=r"cannot use .*postgres: Not a directory") as caught:
        start_postgres(tmp_path / "var" / "postgres")
    assert "\n" not in str(caught.value)


def test_a_broken_configuration_is_told_with_the_servers_own_words(folder: Path) -> None:
    server = start_postgres(folder)
    server.stop()
    with (server.data_dir / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = on\n")
    with pytest.raises(TrialError, match="did not start: .*configuration file"):
        start_postgres(folder)
    assert not processes.processes_working_in(server.data_dir)
