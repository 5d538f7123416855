"""Numbered migrations in one line, that can be undone, and that say what the models say."""

import re
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, event, text

from loyalty.models import Base
from tests.support import engines

VERSIONS = engines.ROOT / "migrations" / "versions"


def _files() -> list[Path]:
    return sorted(VERSIONS.glob("*.py"))


def test_files_are_numbered_without_a_gap_and_each_follows_the_one_before() -> None:
    numbers = [file.name[:4] for file in _files()]

    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
    for file in _files():
        number = int(file.name[:4])
        expected = "None" if number == 1 else f'"{number - 1:04d}"'
        assert re.search(rf'^revision = "{number:04d}"$', file.read_text(), re.M), file.name
        assert re.search(rf"^down_revision = {expected}$", file.read_text(), re.M), file.name


def test_the_head_is_pinned_so_that_two_branches_collide_in_git() -> None:
    assert (VERSIONS.parent / "HEAD").read_text().strip() == _files()[-1].name[:4]


def test_the_models_and_the_migrations_agree(connection: Connection) -> None:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})

    assert compare_metadata(context, Base.metadata) == []


def test_every_migration_can_be_undone_and_done_again() -> None:
    with engines.empty_database("migrations") as url:
        app = engines.migration_app(url)
        directory = str(VERSIONS.parent)
        with app.app_context():
            upgrade(directory=directory)
            downgrade(directory=directory, revision="base")
            engine = app.extensions["container"].database.engine
            with engine.connect() as connection:
                left = connection.scalars(
                    text(
                        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename != 'alembic_version'"
                    )
                ).all()
            upgrade(directory=directory)
            engine.dispose()

    assert left == []


def test_every_migration_waits_for_a_lock_no_longer_than_five_seconds_and_leaves_no_setting_behind() -> None:
    seen: list[str] = []

    def note_the_bound(*arguments: Any) -> None:
        cursor, statement = arguments[1:3]
        if "alembic_version SET" in statement or "INTO alembic_version" in statement:
            cursor.execute("SHOW lock_timeout")
            seen.append(cursor.fetchone()[0])

    with engines.empty_database("locks") as url:
        app = engines.migration_app(url)
        engine = app.extensions["container"].database.engine
        event.listen(engine, "before_cursor_execute", note_the_bound)
        with app.app_context():
            upgrade(directory=str(VERSIONS.parent))
        with engine.connect() as connection:
            left_behind = connection.scalar(text("SHOW lock_timeout"))
        engine.dispose()

    assert seen == ["5s"] * len(_files())
    assert left_behind == "0"
