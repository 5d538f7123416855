"""A batch of adjustments (批量调整) applied page by page, beside COPY of the same rows.

Each round begins with a fresh copy of the shop. What is copied are the accounts as they become, the entries and the
lots; the accounts into a table like theirs, since COPY cannot change rows.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import psycopg
from sqlalchemy.orm import Session

from benchmarks.books import Books, require_green
from benchmarks.figures import Sample, Share, share
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from loyalty.adjustments.rules.batches import Work, subject_of
from loyalty.adjustments.service import apply_page
from loyalty.kernel import bulk
from loyalty.kernel.transaction import run

ROWS, ROWS_IN_FULL = 10_000, 100_000
ROWS_OF_A_LINE = {"ledger_entries": 1, "lots": 1, "adjustment_problems": 0}
POINTS = 100
_BATCH = """INSERT INTO adjustment_batches (title, reason, state, credit_rows, credit_points, created_by, created_at)
VALUES ('补发', 'campaign', 'applying', %(rows)s::bigint, %(rows)s::bigint * %(points)s, 'staff:1', now())
RETURNING id"""
_LINES = """INSERT INTO adjustment_rows (batch_id, line, member_id, points, expires_on)
SELECT %(batch_id)s, n + 1, n, %(points)s, current_date + 365 FROM generate_series(1, %(rows)s) AS n"""
_EXPORTS = {
    "points_accounts": "SELECT * FROM points_accounts",
    "ledger_entries": "SELECT * FROM ledger_entries WHERE kind = 'adjust' ORDER BY id",
    "lots": "SELECT l.* FROM lots AS l JOIN ledger_entries AS e ON e.member_id = l.member_id AND e.id = l.entry_id"
    " WHERE e.kind = 'adjust' ORDER BY l.id",
}
_Copied = Mapping[str, bytes]


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    rows = ROWS_IN_FULL if pace.is_full else ROWS
    shop = open_shop(stand, rows)
    apply_batch(shop, make_batch(shop, rows))
    copied = export(shop)
    return [
        Side("batch", partial(_measure_batch, stand, rows)),
        Side("copy", partial(_measure_copy, stand, rows, copied)),
    ]


def open_shop(stand: Stand, rows: int) -> Shop:
    """Open a fresh shop with a member for each line."""
    return stand.shop(f"batch_{rows}", members=Members(count=rows, with_session=0, days=1))


def _measure_batch(stand: Stand, rows: int, _seconds: float) -> Sample:
    shop = open_shop(stand, rows)
    run_id = make_batch(shop, rows)
    shop.settle()
    books = Books(shop, ROWS_OF_A_LINE)
    started_at = time.perf_counter()
    apply_batch(shop, run_id)
    seconds = time.perf_counter() - started_at
    books.expect(rows, by="the batch")
    for member_id in (1, rows):
        require_green(shop, member_id=member_id)
    return Sample(rows / seconds, done=rows)


def _measure_copy(stand: Stand, rows: int, copied: _Copied, _seconds: float) -> Sample:
    shop = open_shop(stand, rows)
    shop.settle()
    books = Books(shop, ROWS_OF_A_LINE)
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute("CREATE TABLE copied_accounts (LIKE points_accounts INCLUDING ALL)")
    started_at = time.perf_counter()
    copy_in(shop, copied)
    seconds = time.perf_counter() - started_at
    books.expect(rows, by="COPY")
    return Sample(rows / seconds, done=rows)


def make_batch(shop: Shop, rows: int) -> int:
    """Write a batch that was approved, a line for each member; return the run that is to apply it."""
    with psycopg.connect(shop.conninfo) as connection:
        values = {"rows": rows, "points": POINTS}
        made = connection.execute(_BATCH, values).fetchone()
        assert made is not None
        connection.execute(_LINES, {**values, "batch_id": made[0]})
    subject, at = subject_of(made[0]), datetime.now(UTC)
    return run(shop.database, lambda session: bulk.start(session, kind=Work.APPLY, subject=subject, total=rows, at=at))


def apply_batch(shop: Shop, run_id: int) -> None:
    """Apply a batch page by page, as a worker does."""
    at = datetime.now(UTC)
    page = partial(apply_page, zone=shop.settings.time_zone, at=at)

    def step(session: Session) -> bool:
        return bulk.work_page(session, run_id=run_id, page=page, at=at)

    while run(shop.database, step):
        pass


def export(shop: Shop) -> _Copied:
    """Return the rows that a batch has written, as COPY takes them."""
    with psycopg.connect(shop.conninfo) as connection:
        found = {}
        for table, query in _EXPORTS.items():
            with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as rows:
                found[table] = b"".join(rows)
    return found


def copy_in(shop: Shop, copied: _Copied) -> None:
    """Copy such rows into another shop, in one transaction."""
    with psycopg.connect(shop.conninfo) as connection:
        for table, rows in copied.items():
            target = "copied_accounts" if table == "points_accounts" else table
            with connection.cursor().copy(f"COPY {target} FROM STDIN (FORMAT binary)") as sink:
                sink.write(rows)


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("batch", samples["batch"], samples["copy"], good=0.2, goal=0.4)]


ROW = Row(name="batch", title="adjustments applied a second against COPY", stage=_stage, compare=_compare)
