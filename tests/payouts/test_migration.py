"""Payouts asked for before keys were apart by origin are the same payouts under the keys that phones send again."""

from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, text

from tests.support import engines

MIGRATIONS = str(engines.ROOT / "migrations")
KEYS = text("SELECT key FROM payouts ORDER BY key")
REFERENCES = text("SELECT reference FROM risk_decisions ORDER BY reference")


def _write(connection: Connection) -> None:
    for constraint in ("fk_payouts_member_id_members", "fk_payouts_batch_id_payout_batches"):
        connection.execute(text(f"ALTER TABLE payouts DROP CONSTRAINT {constraint}"))  # the keys alone matter here
    for number, (key, batch_id) in enumerate((("a:b", None), ("batch:7", None), ("batch:8", 8)), 1):
        connection.execute(
            text(
                "INSERT INTO payouts (id, member_id, key, out_bill_no, batch_id, destination, state, gross_fen,"
                " tax_fen, net_fen, income_kind, period, appid, requested_by, requested_at)"
                " VALUES (:number, 1, :key, :key, :batch_id, 'wechat', 'new', 10, 0, 10, 'labour', '2026-03', 'wx',"
                " 'x', now())"
            ),
            {"number": number, "key": key, "batch_id": batch_id},
        )
    for occasion, reference in (("withdrawal", "member:1:a:b"), ("withdrawal", "member:1:batch:8"), ("mission", "x")):
        connection.execute(
            text(
                "INSERT INTO risk_decisions (occasion, reference, verdict, sentence, evidence, state, assessed_at)"
                " VALUES (:occasion, :reference, 'allow', '', '{}', 'allowed', now())"
            ),
            {"occasion": occasion, "reference": reference},
        )


def _read(connection: Connection) -> tuple[list[str], list[str]]:
    return list(connection.scalars(KEYS)), list(connection.scalars(REFERENCES))


def test_keys_are_put_apart_by_origin_and_back() -> None:
    with engines.empty_database("payout_keys") as url:
        app = engines.migration_app(url)
        engine = app.extensions["container"].database.engine
        with app.app_context():
            upgrade(directory=MIGRATIONS, revision="0030")
            with engine.begin() as connection:
                _write(connection)
                before = _read(connection)
            upgrade(directory=MIGRATIONS, revision="0031")
            with engine.connect() as connection:
                apart = _read(connection)
            downgrade(directory=MIGRATIONS, revision="0030")
            with engine.connect() as connection:
                back = _read(connection)
        engine.dispose()

    assert apart == (
        ["batch:8", "request:a:b", "request:batch:7"],
        ["member:1:batch:8", "member:1:request:a:b", "x"],
    )
    assert back == before
