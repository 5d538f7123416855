"""Rules that named tags by texts, before there were any, say the same afterwards."""

from typing import Any

from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, text

from tests.support import engines

MIGRATIONS = str(engines.ROOT / "migrations")
REVISIONS = text("SELECT definition FROM earning_rule_revisions ORDER BY number")


def _write_rules(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO earning_rules (event, override_policy, created_by, created_at)"
            " VALUES ('purchase', 'none', 'staff:1', now())"
        )
    )
    for number, conditions in enumerate(('{"tags": ["学生", "母婴"]}', '{"tags": ["学生"], "weekdays": [1]}', "{}"), 1):
        connection.execute(
            text(
                "INSERT INTO earning_rule_revisions (rule_id, number, name, definition, starts_at, created_by,"
                " created_at, published_by, published_at)"
                " SELECT id, :number, 'x', jsonb_build_object('event', 'purchase', 'conditions',"
                " CAST(:conditions AS jsonb)), now(), 'staff:1', now(), 'staff:1', now() FROM earning_rules"
            ),
            {"number": number, "conditions": conditions},
        )


def _conditions(connection: Connection) -> list[dict[str, Any]]:
    return [definition["conditions"] for definition in connection.scalars(REVISIONS)]


def test_published_rules_name_the_same_tags_by_id_and_back() -> None:
    with engines.empty_database("tags") as url:
        app = engines.migration_app(url)
        engine = app.extensions["container"].database.engine
        with app.app_context():
            upgrade(directory=MIGRATIONS, revision="0019")
            with engine.begin() as connection:
                _write_rules(connection)
            upgrade(directory=MIGRATIONS, revision="0020")
            with engine.connect() as connection:
                ids = {row.name: row.id for row in connection.execute(text("SELECT id, name FROM tags"))}
                by_id = _conditions(connection)
            downgrade(directory=MIGRATIONS, revision="0019")
            with engine.connect() as connection:
                by_name = _conditions(connection)
        engine.dispose()

    assert by_id == [
        {"tags": sorted([ids["学生"], ids["母婴"]])},
        {"tags": [ids["学生"]], "weekdays": [1]},
        {},
    ]
    assert [set(one.get("tags", ())) for one in by_name] == [{"学生", "母婴"}, {"学生"}, set()]
