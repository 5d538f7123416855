"""Expiry (积分到期) of lots whose members were told, in pages, beside one statement that writes the same rows.

Each round begins with a fresh copy of the shop: points expire once.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
from sqlalchemy.orm import Session

from benchmarks.books import Books, require_green
from benchmarks.figures import Sample, Share, share
from benchmarks.pgbench import SCRIPTS
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from loyalty.kernel.transaction import run
from loyalty.points.service.expiry import ExpiredPage, expire_lots

LOTS, LOTS_IN_FULL, LOTS_EACH = 20_000, 1_000_000, 2
ROWS_OF_A_MEMBER = {"ledger_entries": 1, "draws": LOTS_EACH, "lot_graces": 0}
AHEAD = timedelta(days=400)
"""When every lot has ended."""
FLOOR = (SCRIPTS / "expiry.sql").read_text()
_TOLD = """INSERT INTO lot_evidence (member_id, lot_id, expires_on, channel, notice_id, reached_at, found_at)
SELECT member_id, id, (expires_at AT TIME ZONE %s - interval '1 microsecond')::date, 'inbox', id, opened_at, opened_at
FROM lots"""
_Work = Callable[[Shop, datetime], None]


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    members = (LOTS_IN_FULL if pace.is_full else LOTS) // LOTS_EACH
    works: dict[str, _Work] = {"expiry": book_out, "floor": write_floor}
    return [Side(name, partial(_measure, stand, members, name, work)) for name, work in works.items()]


def _measure(stand: Stand, members: int, by: str, work: _Work, _seconds: float) -> Sample:
    shop = stand.shop(f"expiry_{members}", members=Members(count=members, with_session=0, days=LOTS_EACH))
    tell_everybody(shop)
    shop.settle()
    books, at = Books(shop, ROWS_OF_A_MEMBER), datetime.now(UTC) + AHEAD
    started_at = time.perf_counter()
    work(shop, at)
    seconds = time.perf_counter() - started_at
    books.expect(members, by=by)
    for member_id in (1, members):
        require_green(shop, member_id=member_id)
    shop.database.engine.dispose()
    return Sample(members * LOTS_EACH / seconds, done=members * LOTS_EACH)


def tell_everybody(shop: Shop) -> None:
    """Note that every member was told of every lot's last day."""
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(_TOLD, (shop.settings.time_zone.key,))


def book_out(shop: Shop, at: datetime) -> None:
    """Expire lots page by page, as the nightly job does."""
    after, zone = 0, shop.settings.time_zone

    def step(session: Session) -> ExpiredPage | None:
        return expire_lots(session, run="bench", after_member_id=after, at=at, zone=zone)

    while (page := run(shop.database, step)) is not None:
        after = page.last_member_id


def write_floor(shop: Shop, at: datetime) -> None:
    """Write the same rows by one statement."""
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(FLOOR, {"at": at})


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("expiry", samples["expiry"], samples["floor"], good=0.5, goal=0.7)]


ROW = Row(name="expiry", title="lots expired a second against one statement", stage=_stage, compare=_compare)
