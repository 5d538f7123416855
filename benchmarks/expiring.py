"""Expiry (积分到期) for the bench: the jobs of a night, page by page, and statements that write the same rows."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Protocol

import psycopg
from sqlalchemy.orm import Session

from benchmarks.failures import BenchFailed
from benchmarks.pgbench import SCRIPTS
from benchmarks.stand import Shop
from loyalty.kernel.transaction import run
from loyalty.points import service as points

TOLD_BEFORE = timedelta(days=3)
_READ = "UPDATE inbox_messages SET read_at = created_at + interval '1 minute' WHERE read_at IS NULL"
_TOLD = """INSERT INTO lot_evidence (member_id, lot_id, expires_on, channel, notice_id, reached_at, found_at)
SELECT member_id, id, (expires_at AT TIME ZONE %s - interval '1 microsecond')::date, 'inbox', id, opened_at, opened_at
FROM lots"""
_NOTICES, _EVIDENCE, _EXPIRY = (
    (SCRIPTS / f"{name}.sql").read_text() for name in ("expiry_notices", "expiry_evidence", "expiry")
)
Step = Callable[[], None]


class _Page(Protocol):
    @property
    def last_member_id(self) -> int: ...


def end_of_lots(shop: Shop) -> datetime:
    """Return when every lot of the seed has ended, and none that a member earns now."""
    with psycopg.connect(shop.conninfo) as connection:
        row = connection.execute("SELECT max(expires_at) FROM lots").fetchone()
    assert row is not None
    ends_at: datetime = row[0]
    return ends_at


def open_messages(shop: Shop) -> None:
    """Let every member open the message in the inbox."""
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(_READ)


def tell_everybody(shop: Shop) -> None:
    """Note that every member was told of every lot's last day."""
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(_TOLD, (shop.settings.time_zone.key,))


def jobs_of_a_night(shop: Shop, ends_at: datetime) -> Iterator[Step]:
    """Yield the jobs as they run: messages are planned, evidence is looked for, what has ended is booked out."""
    zone = shop.settings.time_zone
    told_at = ends_at - TOLD_BEFORE

    def plan(session: Session, after: int) -> _Page | None:
        return points.plan_expiry_notices(session, after_member_id=after, at=told_at, zone=zone)

    def settle(session: Session, after: int) -> _Page | None:
        at = told_at + timedelta(hours=1)
        return points.grant_graces(session, until=ends_at, after_member_id=after, at=at, zone=zone)

    def book_out(session: Session, after: int) -> _Page | None:
        return points.expire_lots(session, run="bench", after_member_id=after, at=ends_at, zone=zone)

    for page in (plan, settle, book_out):
        yield lambda page=page: _all_pages(shop, page)  # type: ignore[misc]


def statements_of_a_night(shop: Shop, ends_at: datetime) -> Iterator[Step]:
    """Yield statements that write the rows of each job."""
    told_at = ends_at - TOLD_BEFORE
    values: Mapping[str, object] = {"zone": shop.settings.time_zone.key, "until": ends_at, "at": told_at}
    yield lambda: _execute(shop, _NOTICES, values)
    yield lambda: _execute(shop, _EVIDENCE, {"told_at": told_at, "at": told_at + timedelta(hours=1)})
    yield lambda: _execute(shop, _EXPIRY, {"at": ends_at})


class ExpiryUnderWay:
    """Books out lots of members who were told, for as long as the block lasts; the next block goes on there."""

    def __init__(self, shop: Shop) -> None:
        tell_everybody(shop)
        shop.settle()
        self._shop, self._ends_at = shop, end_of_lots(shop)
        self._after = 0
        self._is_over = Event()

    def __enter__(self) -> None:
        self._is_over.clear()
        self._worker = Thread(target=self._work)
        self._worker.start()

    def __exit__(self, *_raised: object) -> None:
        is_short = not self._worker.is_alive()
        self._is_over.set()
        self._worker.join()
        if is_short:
            raise BenchFailed("all lots are booked out: seed more, or measure for shorter")

    def _work(self) -> None:
        zone = self._shop.settings.time_zone
        while not self._is_over.is_set():
            page = run(
                self._shop.database,
                lambda session: points.expire_lots(
                    session, run="bench", after_member_id=self._after, at=self._ends_at, zone=zone
                ),
            )
            if page is None:
                return
            self._after = page.last_member_id


def _all_pages(shop: Shop, page: Callable[[Session, int], _Page | None]) -> None:
    after = 0

    def step(session: Session) -> _Page | None:
        return page(session, after)

    while (done := run(shop.database, step)) is not None:
        after = done.last_member_id


def _execute(shop: Shop, statement: str, values: Mapping[str, object]) -> None:
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(statement, values)
