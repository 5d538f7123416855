"""Members for the bench, with sessions whose tokens can be reckoned, copied in bulk; and histories of check-ins.

Everything a request meets is there as in real life: sealed phones, an identity, a session, an account with tier.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import BigInteger, Connection, Integer, Text, cast, func, literal, null, select, text

from loyalty.check_ins.rules import DEFAULT_PLAN
from loyalty.check_ins.service import save_plan
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.codes import luhn_digit
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import SESSION_LIFETIME
from loyalty.points.posting import ACCOUNTS, given, post_credits
from loyalty.settings import Settings
from trial.environment import MP_APPID

_ACTOR = Actor("system:bench")


def token_of(member_id: int | str) -> str:
    """Return the session token of a member; ``{number}`` stands for the id in a plan of the load generator."""
    number = member_id if isinstance(member_id, str) else f"{member_id:010d}"
    return f"bench-session-of-member-{number}-as-long-as-real"


def phone_of(number: int) -> str:
    """Return the phone of a member, as members write it."""
    return str(13_000_000_000 + number)


@dataclass(frozen=True)
class Members:
    """So many members, the first of them with a session; and on how many days before each has checked in."""

    count: int
    with_session: int
    days: int = 0

    def write(self, database: Database, settings: Settings) -> None:
        """Write them into an empty, migrated database."""
        now, zone = datetime.now(UTC), settings.time_zone
        today = business_date(now, zone)
        long_ago = now - timedelta(days=self.days + 60)
        run(
            database,
            lambda session: save_plan(
                session, plan=DEFAULT_PLAN, live_from_on=business_date(long_ago, zone), actor=_ACTOR,
                zone=zone, at=long_ago,
            ),
        )  # fmt: skip
        vault = Vault(settings.data_keys, settings.index_key)
        with database.engine.begin() as connection:
            self._copy(connection, vault, now, long_ago)
        for back in range(self.days, 0, -1):
            with database.engine.begin() as connection:
                check_everybody_in(connection, today - timedelta(days=back), settings)

    def _copy(self, connection: Connection, vault: Vault, now: datetime, long_ago: datetime) -> None:
        copy(
            connection,
            "members (id, number, status, phone_sealed, phone_index, phone_proved_at, nickname_sealed,"
            " enrolled_at, last_active_at)",
            (_member(number, vault, now, long_ago) for number in range(1, self.count + 1)),
        )
        copy(
            connection,
            "identities (id, appid, openid, kind, member_id, first_seen_at)",
            ((n, MP_APPID, f"o_bench_{n:010d}", "mp", n, long_ago) for n in range(1, self.count + 1)),
        )
        copy(
            connection,
            "member_sessions (token_hash, identity_id, door, opened_at, renewed_at, expires_at)",
            (_session(number, now) for number in range(1, self.with_session + 1)),
        )
        copy(
            connection,
            "points_accounts (member_id, opened_at)",
            ((number, long_ago) for number in range(1, self.count + 1)),
        )
        copy(
            connection,
            "member_tiers (member_id, growth, level, since_at)",
            ((number, 10, 1, long_ago) for number in range(1, self.count + 1)),
        )
        for table in ("members", "identities"):
            connection.execute(text(f"SELECT setval('{table}_id_seq', {self.count})"))


def copy(connection: Connection, target: str, rows: Iterator[tuple[Any, ...]]) -> None:
    """Copy rows into a table."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    with raw.cursor().copy(f"COPY {target} FROM STDIN") as sink:
        for row in rows:
            sink.write_row(row)


def check_everybody_in(connection: Connection, on: date, settings: Settings) -> None:
    """Let every member check in at noon of a day, by the statement that posts for a million as for one."""
    at = start_of(on, settings.time_zone) + timedelta(hours=12)
    base, reference = DEFAULT_PLAN.points_by_day[0], f"check_in:{on.isoformat()}"
    connection.execute(
        text(
            "INSERT INTO check_ins"
            " (member_id, checked_in_on, streak, base, bonus, growth, plan_revision, checked_in_at)"
            " SELECT member_id, :on, 1, :base, 0, 1, 1, :at FROM points_accounts"
        ),
        {"on": on, "base": base, "at": at},
    )
    values: dict[str, Any] = {
        "kind": literal("earn"),
        "points": literal(base, BigInteger),
        "reference": literal(reference),
        "store_id": cast(null(), BigInteger),
        "explanation": func.jsonb_build_object(
            "rule", "check_in", "streak", 1, "base", cast(base, Integer), "bonus", 0
        ),
        "occurred_at": literal(at),
        "recorded_at": literal(at),
        "opened_at": literal(at),
        "available_at": literal(at),
        "expires_at": literal(at + timedelta(days=366)),
    }
    source = select(
        *given(member_id=ACCOUNTS.c.member_id, actor=func.concat("member:", ACCOUNTS.c.member_id, type_=Text), **values)
    )
    connection.execute(post_credits(source.cte("source"), event=None).rows())


def _member(number: int, vault: Vault, now: datetime, long_ago: datetime) -> tuple[Any, ...]:
    phone = f"+86{phone_of(number)}"
    return (
        number,
        f"{number:09d}{luhn_digit(f'{number:09d}')}",
        "active",
        vault.seal(phone, context="members.phone"),
        vault.index(phone, context="members.phone"),
        long_ago,
        vault.seal(f"会员{number}", context="members.nickname"),
        long_ago,
        now,
    )


def _session(number: int, now: datetime) -> tuple[Any, ...]:
    token_hash = hashlib.sha256(token_of(number).encode()).digest()
    return token_hash, number, "mini_program", now, now, now + SESSION_LIFETIME
