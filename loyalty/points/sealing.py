"""Seals (封印): one a business date, so that nobody with the database alone can rewrite the past unseen.

A seal is an HMAC over the seal before it and over the head of every chain that grew on its day. Its key is kept
outside the database. A day is sealed once all transactions of that day have surely ended.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from loyalty.kernel.clock import end_of
from loyalty.kernel.errors import Conflict
from loyalty.points.models import LedgerSeal
from loyalty.points.posting import ENTRIES

SETTLING = timedelta(minutes=10)
"""How long after midnight a transaction of the day before may still be under way."""
_ROWS_AT_A_TIME = 5_000


class SealTooEarly(Conflict):
    """The business date is not over, or ended only moments ago."""

    code = "seal_too_early"
    message = "该营业日尚未结束，暂不能封印"


@dataclass(frozen=True, slots=True)
class Heads:
    """What a seal covers, reckoned from the entries."""

    entries_count: int
    accounts_count: int
    mac: bytes


def seal(session: Session, *, seal_key: bytes, on: date, zone: ZoneInfo, at: datetime) -> int:
    """Seal a business date and every day missed since the last seal; return how many seals were made.

    The first seal covers everything recorded before its day ended. Nothing happens when the day is sealed.

    Raises:
        SealTooEarly: the day is not over, or ended less than ten minutes ago.
    """
    if at < end_of(on, zone) + SETTLING:
        raise SealTooEarly(on=on.isoformat())
    # One sealer at a time: a second one waits and then finds the day sealed.
    session.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
    latest = session.scalars(select(LedgerSeal).order_by(LedgerSeal.sealed_on.desc()).limit(1)).first()
    day = on if latest is None else latest.sealed_on + timedelta(days=1)
    made = 0
    while day <= on:
        latest = _sealed(session, seal_key, latest, day, zone, at)
        day += timedelta(days=1)
        made += 1
    return made


def heads(
    session: Session, *, seal_key: bytes, previous: LedgerSeal | None, sealed_on: date, sealed_until_at: datetime
) -> Heads:
    """Reckon the seal of a day from the entries recorded since the seal before."""
    mac = hmac.new(seal_key, digestmod=hashlib.sha256)
    mac.update(previous.mac if previous is not None else b"")
    mac.update(f"{sealed_on.isoformat()} {int(sealed_until_at.timestamp())}\n".encode())
    entries_count = accounts_count = 0
    since = previous.sealed_until_at if previous is not None else None
    for head in _grown(session, since, sealed_until_at):
        mac.update(f"{head.member_id} {head.sequence} {head.digest.hex()}\n".encode())
        entries_count += head.entries_count
        accounts_count += 1
    mac.update(f"{entries_count} {accounts_count}".encode())
    return Heads(entries_count, accounts_count, mac.digest())


_LOCK_KEY = int.from_bytes(b"sealing", "big")


def _sealed(
    session: Session, key: bytes, previous: LedgerSeal | None, on: date, zone: ZoneInfo, at: datetime
) -> LedgerSeal:
    before = end_of(on, zone)
    covered = heads(session, seal_key=key, previous=previous, sealed_on=on, sealed_until_at=before)
    return session.execute(
        insert(LedgerSeal)
        .values(
            sealed_on=on,
            sealed_until_at=before,
            entries_count=covered.entries_count,
            accounts_count=covered.accounts_count,
            mac=covered.mac,
            sealed_at=at,
        )
        .returning(LedgerSeal)
    ).scalar_one()


def _grown(session: Session, since: datetime | None, before: datetime) -> Iterator[Row[tuple[int, int, bytes, int]]]:
    entry = ENTRIES.c
    period = entry.recorded_at < before
    if since is not None:
        period = and_(entry.recorded_at >= since, period)
    last_first = (
        select(
            entry.member_id,
            entry.sequence,
            entry.digest,
            func.count().over(partition_by=entry.member_id).label("entries_count"),
        )
        .where(period)
        .ext(distinct_on(entry.member_id))
        .order_by(entry.member_id, entry.sequence.desc())
    )
    yield from session.execute(last_first.execution_options(yield_per=_ROWS_AT_A_TIME))
