"""A chain with a history, for counting: members with levels, points, purchases, coupons, tags and accounts of WeChat.

Written set-based, without foreign keys, whose checks a million rows of each table would wait for, and with the large
indexes made at the end. Lots, coupons and entries lie in the order of time, as they are earned. Figures of one member
follow from the id alone, so that every copy is the same.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from benchmarks.seed import Members
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.members.rules.profile import birthday_mark, days_of_month
from loyalty.settings import Settings
from trial.environment import MP_APPID, OA_APPID

STORES, TAGS, TEMPLATES = 100, 10, 5
PURCHASES_EACH, YEARS = 3, 3
"""So many on average, over so many years, those of late more than those of long ago."""
ENTRIES_OF_AN_ORDER = 10


@dataclass(frozen=True)
class Population(Members):
    """So many members; none has a session or has checked in by hand. Books that boards read have entries and orders."""

    entries: int = 0

    def write(self, database: Database, settings: Settings) -> None:
        """Write them into an empty, migrated database."""
        now = datetime.now(UTC)
        values = {
            "count": self.count,
            "at": now,
            "today": business_date(now, settings.time_zone),
            "long_ago": now - timedelta(days=365 * YEARS),
            "oa": OA_APPID,
            "mp": MP_APPID,
            "marks": _birthday_marks(Vault(settings.data_keys, settings.index_key)),
            "stores": STORES, "tags": TAGS, "templates": TEMPLATES,
            "purchases": self.count * PURCHASES_EACH, "days": 365 * YEARS,
            "entries": self.entries, "orders": self.entries // ENTRIES_OF_AN_ORDER,
        }  # fmt: skip
        with database.engine.begin() as connection:
            for statement in (_DROP_FOREIGN_KEYS, _DROP_INDEXES, *_STATEMENTS, _MAKE_INDEXES):
                _write(connection, statement, values)


def _write(connection: Connection, statement: str, values: dict[str, object]) -> None:
    asked = text(statement)
    connection.execute(asked, {name: value for name, value in values.items() if name in asked.compile().params})


def _birthday_marks(vault: Vault) -> list[bytes]:
    return [birthday_mark(vault, *day) for month in range(1, 13) for day in days_of_month(month)]


_DROP_FOREIGN_KEYS = """
    DO $$
    DECLARE one record;
    BEGIN
        FOR one IN SELECT conrelid::regclass AS place, conname AS name FROM pg_constraint WHERE contype = 'f' LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.name);
        END LOOP;
    END
    $$
"""
_DROP_INDEXES = """
    SET LOCAL maintenance_work_mem = '512MB';
    CREATE TEMPORARY TABLE dropped ON COMMIT DROP AS
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS undone,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS redone
    FROM pg_constraint WHERE conrelid = 'ledger_entries'::regclass AND contype IN ('p', 'u')
    UNION ALL
    SELECT format('DROP INDEX %I', indexname), indexdef
    FROM pg_indexes WHERE tablename ~ '^(member_purchase|ledger_entries$)' AND indexname LIKE 'ix%';
    DO $$
    DECLARE one record;
    BEGIN
        FOR one IN SELECT undone FROM dropped LOOP EXECUTE one.undone; END LOOP;
    END
    $$
"""
_MAKE_INDEXES = """
    DO $$
    DECLARE one record;
    BEGIN
        FOR one IN SELECT redone FROM dropped LOOP EXECUTE one.redone; END LOOP;
    END
    $$
"""
_STATEMENTS = (
    "INSERT INTO stores (id, kind, parent_id, code, name, created_at)"
    " SELECT n, CASE n WHEN 1 THEN 'headquarters' ELSE 'store' END, CASE WHEN n > 1 THEN 1 END, 'B' || n, 'B' || n, :at"
    " FROM generate_series(1, :stores) AS n",
    "INSERT INTO members (id, number, status, phone_sealed, phone_index, phone_proved_at, nickname_sealed,"
    " birthday_sealed, birthday_index, enrolled_at, enrolled_store_id, last_active_at)"
    " SELECT n, lpad(n::text, 10, '0'), 'active', sha256(n::text::bytea) || sha256('p'), sha256(('i' || n)::bytea),"
    " :long_ago, sha256(n::text::bytea) || '\\x0011', CASE WHEN n % 3 > 0 THEN sha256('b') || sha256('c') END,"
    " CASE WHEN n % 3 > 0 THEN (CAST(:marks AS bytea[]))[1 + abs(hashint8(n)) % 366] END,"
    " :at - (abs(hashint8(n)) % :days) * interval '1 day', 2 + abs(hashint8(n + 1)) % (:stores - 1),"
    " :at - sqrt(abs(hashint8(n + 2)) % 90000) * interval '1 day'"
    " FROM generate_series(1, :count) AS n",
    "INSERT INTO identities (appid, openid, kind, member_id, first_seen_at)"
    " SELECT :mp, 'm' || n, 'mp', n, :long_ago FROM generate_series(1, :count) AS n",
    "INSERT INTO identities (appid, openid, kind, member_id, is_following, first_seen_at)"
    " SELECT :oa, 'o' || n, 'oa', n, n % 5 < 4, :long_ago FROM generate_series(2, :count, 2) AS n",
    "INSERT INTO message_templates (appid, notice_kind, channel, template_id, title, mapping, updated_at)"
    " VALUES (:mp, 'campaign', 'subscription', 'T1', 'T1', '{}', :at)",
    "INSERT INTO subscription_grants SELECT id, 'T1', id % 3 FROM identities WHERE kind = 'mp' AND id % 4 = 0",
    "INSERT INTO tiers (level, name, growth_threshold)"
    " SELECT n, 'V' || n, (n - 1) * 1000 FROM generate_series(1, 5) AS n",
    "INSERT INTO member_tiers (member_id, growth, level, since_at)"
    " SELECT n, abs(hashint8(n + 3)) % 5000, 1 + abs(hashint8(n + 3)) % 5000 / 1000, :long_ago"
    " FROM generate_series(1, :count) AS n",
    "INSERT INTO points_accounts (member_id, balance, last_sequence, opened_at)"
    " SELECT n, 2 * (10 + abs(hashint8(n + 4)) % 3000), 2, :long_ago FROM generate_series(1, :count) AS n",
    "INSERT INTO lots (member_id, entry_id, points, remaining, opened_at, available_at, expires_at)"
    " SELECT n, lot, 10 + abs(hashint8(n + 4)) % 3000, 10 + abs(hashint8(n + 4)) % 3000, opened_at,"
    " opened_at, opened_at + interval '1 year'"
    " FROM generate_series(1, :count) AS n, generate_series(1, 2) AS lot,"
    " LATERAL (SELECT :at - (abs(hashint8(n * lot)) % 370 - 5) * interval '1 day' AS opened_at) AS opened"
    " ORDER BY opened_at",
    "INSERT INTO check_ins (member_id, checked_in_on, streak, base, bonus, growth, plan_revision, checked_in_at)"
    " SELECT n, CAST(:today AS date) - back, 40 - back, 1, 0, 1, 1, :at"
    " FROM generate_series(1, 30) AS back, generate_series(back, :count, 25) AS n",
    "INSERT INTO member_purchases (order_id, member_id, bought_on, store_id, channel, net_fen)"
    " SELECT n, 1 + abs(hashint8(n)) % (:count * 9 / 10), CAST(:today AS date) - (abs(hashint8(n + 1)) % :days),"
    " 2 + abs(hashint8(n + 2)) % (:stores - 1), CASE n % 4 WHEN 0 THEN 'online' ELSE 'store' END,"
    " 100 + abs(hashint8(n + 3)) % 50000 FROM generate_series(1, :purchases) AS n",
    "INSERT INTO member_purchase_lines (order_id, line_number, member_id, bought_on, category, sku, net_fen)"
    " SELECT order_id, line, member_id, bought_on, 'C' || abs(hashint8(order_id + line)) % 20,"
    " 'S' || abs(hashint8(order_id - line)) % 2000, net_fen / 2"
    " FROM member_purchases, generate_series(1, 2) AS line WHERE order_id % 3 = 0 OR line = 1",
    "INSERT INTO member_purchase_totals (member_id, purchases, net_fen, last_bought_on)"
    " SELECT member_id, count(*), sum(net_fen), max(bought_on) FROM member_purchases GROUP BY member_id",
    "INSERT INTO tags (id, name, created_at) SELECT n, 'T' || n, :at FROM generate_series(1, :tags) AS n",
    "INSERT INTO member_tags (member_id, tag_id, tagged_at, tagged_by)"
    " SELECT n, tag, :at, 'staff:1' FROM generate_series(1, :tags) AS tag, generate_series(tag, :count, tag * 5) AS n",
    "INSERT INTO coupons (member_id, template_id, revision_id, reference, path, actor, issued_at, usable_at,"
    " expires_at, state) SELECT n, 1 + n % :templates, 1, 'b:' || n, 'bulk', 'system', issued_at, issued_at,"
    " :at + (n % 60 - 0.5) * interval '1 day', CASE n % 4 WHEN 0 THEN 'redeemed' ELSE 'issued' END"
    " FROM generate_series(1, :count) AS n,"
    " LATERAL (SELECT :at - (1 + abs(hashint8(n)) % 200) * interval '1 day' AS issued_at) AS issued ORDER BY issued_at",
    "INSERT INTO coupon_redemptions (coupon_id, member_id, template_id, reference, channel, store_id, basket_fen,"
    " discount_fen, shares, actor, redeemed_at) SELECT id, member_id, template_id, 'u:' || id, 'store',"
    " 2 + member_id % (:stores - 1), 10000, 1000, '[]', 'clerk', issued_at + interval '1 day'"
    " FROM coupons WHERE state = 'redeemed' ORDER BY id",
    "INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference, actor,"
    " explanation, occurred_at, recorded_at, digest)"
    " SELECT 1 + n % :count, n, 1 + n / :count, kind, CASE WHEN kind IN ('spend', 'expire') THEN -1 ELSE 1 END"
    " * (1 + abs(hashint8(n + 1)) % 500), 500, 0, 'b:' || n, 'system', '{\"rule\": \"bench\", \"base\": 5}', moment,"
    " moment, sha256(n::text::bytea) FROM generate_series(1, :entries) AS n,"
    " LATERAL (SELECT (CAST('{earn,earn,earn,earn,earn,earn,spend,spend,expire,adjust}' AS text[]))"
    "[1 + abs(hashint8(n)) % 10] AS kind,"
    " :at - (:entries - n) * (:days * interval '1 day' / greatest(:entries, 1)) AS moment) AS drawn",
    "SELECT setval('ledger_entry_ids', greatest(:entries, 1), :entries > 0)",
    "INSERT INTO orders (source, order_number, version, member_id, store_id, channel, paid_at, amount_fen, lines,"
    " recorded_at) SELECT 'bench', n, 1, 1 + n % :count, 2 + abs(hashint8(n)) % (:stores - 1), 'store', moment,"
    " 100 + abs(hashint8(n + 1)) % 50000, '[]', moment FROM generate_series(1, :orders) AS n,"
    " LATERAL (SELECT :at - (:orders - n) * (:days * interval '1 day' / greatest(:orders, 1)) AS moment) AS paid",
)
