"""Seals (封印): one a business date, so that nobody with the database alone can rewrite a ledger's past unseen.

A seal is an HMAC over the seal before it and over the head of every chain that grew on its day. Its key is kept
outside the database. A day is sealed once all transactions of that day have surely ended. Each ledger has its own
seals; what is sealed never depends on another's.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import LargeBinary, Row, Table, and_, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, Session, mapped_column

from loyalty.kernel.clock import end_of
from loyalty.kernel.errors import Conflict
from loyalty.kernel.runs import list_finished

SETTLING = timedelta(minutes=10)
"""How long after midnight a transaction of the day before may still be under way."""
SEALS_STOP_AFTER = timedelta(hours=26)
"""The next seal is due soon after the next day's end; a ledger without it has lost it, or its job is not running."""
SEALING_JOB = "seal_ledger"
"""The periodic job that seals every night the day before; its runs remember what they sealed."""
_ROWS_AT_A_TIME = 5_000
_LOCK_KEY = int.from_bytes(b"sealing", "big")


class SealTooEarly(Conflict):
    """The business date is not over, or ended only moments ago."""

    code = "seal_too_early"
    message = "该营业日尚未结束，暂不能封印"


class Seal:
    """The columns of a table of seals; one row seals the entries recorded on one business date, and never changes.

    Each seal covers the seal before it and every chain that grew on its day, so the seals together cover all heads.
    """

    sealed_on: Mapped[date] = mapped_column(primary_key=True)
    sealed_until_at: Mapped[datetime]
    """The first instant after the business date; the seal covers what was recorded before it."""
    entries_count: Mapped[int]
    accounts_count: Mapped[int]
    """How many accounts grew on that day."""
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger that is sealed: its entries, each with ``member_id``, ``sequence``, ``digest`` and ``recorded_at``."""

    entries: Table
    seals: type[Seal]
    label: bytes
    """What every seal of it begins with, so that none passes for another ledger's; it may never change."""
    made: str
    """Under which name a run of the job tells how many seals it made; runs of before there were any tell nothing."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A seal that does not fit, and why."""

    sealed_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class _Heads:
    """What a seal covers, reckoned from the entries."""

    entries_count: int
    accounts_count: int
    mac: bytes


def seal(session: Session, book: Book, *, seal_key: bytes, on: date, zone: ZoneInfo, at: datetime) -> int:
    """Seal a business date and every day missed since the last seal; return how many seals were made.

    The first seal covers everything recorded before its day ended. Nothing happens when the day is sealed.

    Raises:
        SealTooEarly: the day is not over, or ended less than ten minutes ago.
    """
    if at < end_of(on, zone) + SETTLING:
        raise SealTooEarly(on=on.isoformat())
    # One sealer at a time: a second one waits and then finds the day sealed.
    session.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
    latest = session.scalars(select(book.seals).order_by(book.seals.sealed_on.desc()).limit(1)).first()
    day = on if latest is None else latest.sealed_on + timedelta(days=1)
    made = 0
    while day <= on:
        latest = _sealed(session, book, seal_key, latest, day, zone, at)
        day += timedelta(days=1)
        made += 1
    return made


def list_seals(session: Session, book: Book) -> Sequence[Seal]:
    """Return all seals of a ledger, the oldest first."""
    return session.scalars(select(book.seals).order_by(book.seals.sealed_on)).all()


def misfits(session: Session, book: Book, seals: Sequence[Seal], *, seal_key: bytes, at: datetime) -> Iterator[Misfit]:
    """Reckon all seals of a ledger anew; yield those that do not fit, and say where some are missing or made anew."""
    yield from _not_as_the_runs_left_them(session, book, seals)
    previous: Seal | None = None
    for each in seals:
        if previous is not None and each.sealed_on != previous.sealed_on + timedelta(days=1):
            yield Misfit(each.sealed_on, f"no seal between {previous.sealed_on} and this one")
        covered = _heads(session, book, seal_key, previous, each.sealed_on, each.sealed_until_at)
        if (covered.entries_count, covered.accounts_count) != (each.entries_count, each.accounts_count):
            reason = f"{covered.entries_count} entries of {covered.accounts_count} accounts are there, not as sealed"
            yield Misfit(each.sealed_on, reason)
        elif covered.mac != each.mac:
            yield Misfit(each.sealed_on, "the entries of this day are not those that were sealed")
        previous = each
    if previous is not None and at - previous.sealed_until_at > SEALS_STOP_AFTER:
        yield Misfit(previous.sealed_on, "no seal after this one")


def _not_as_the_runs_left_them(session: Session, book: Book, seals: Sequence[Seal]) -> Iterator[Misfit]:
    """Hold the seals against the runs that made them: a day whose seal was taken away is sealed again by the next."""
    made_at = {each.sealed_on: each.sealed_at for each in seals}
    for run in list_finished(session, job=SEALING_JOB):
        finished_at, count = run.finished_at, (run.result or {}).get(book.made, 0)
        assert finished_at is not None
        for days in range(count, 0, -1):
            sealed_on = run.business_on - timedelta(days=days)
            if sealed_on not in made_at:
                yield Misfit(sealed_on, f"its seal is gone, which the run of {run.business_on} had made")
            elif made_at[sealed_on] > finished_at:
                yield Misfit(sealed_on, f"it was made anew, after the run of {run.business_on} had sealed this day")


def _heads(
    session: Session, book: Book, seal_key: bytes, previous: Seal | None, sealed_on: date, sealed_until_at: datetime
) -> _Heads:
    mac = hmac.new(seal_key, book.label, digestmod=hashlib.sha256)
    mac.update(previous.mac if previous is not None else b"")
    mac.update(f"{sealed_on.isoformat()} {int(sealed_until_at.timestamp())}\n".encode())
    entries_count = accounts_count = 0
    since = previous.sealed_until_at if previous is not None else None
    for head in _grown(session, book, since, sealed_until_at):
        mac.update(f"{head.member_id} {head.sequence} {head.digest.hex()}\n".encode())
        entries_count += head.entries_count
        accounts_count += 1
    mac.update(f"{entries_count} {accounts_count}".encode())
    return _Heads(entries_count, accounts_count, mac.digest())


def _sealed(
    session: Session, book: Book, key: bytes, previous: Seal | None, on: date, zone: ZoneInfo, at: datetime
) -> Seal:
    before = end_of(on, zone)
    covered = _heads(session, book, key, previous, on, before)
    return session.execute(
        insert(book.seals)
        .values(
            sealed_on=on,
            sealed_until_at=before,
            entries_count=covered.entries_count,
            accounts_count=covered.accounts_count,
            mac=covered.mac,
            sealed_at=at,
        )
        .returning(book.seals)
    ).scalar_one()


def _grown(
    session: Session, book: Book, since: datetime | None, before: datetime
) -> Iterator[Row[tuple[Any, Any, Any, int]]]:
    entry = book.entries.c
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
