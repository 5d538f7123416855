"""A batch of adjustments (批量调整) from its file: checked, then applied, page by page, beside COPY of the same rows.

Each round begins with a fresh copy of the shop. What is copied are the lines kept of the file; and the accounts as
they become, the entries and the lots. The accounts go into a table like theirs, since COPY cannot change rows.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import psycopg

from benchmarks.adjusting import apply_batch, approve, check_batch, upload_file
from benchmarks.books import Books, require_green
from benchmarks.figures import Sample, Share, in_turn, share
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand

ROWS, ROWS_IN_FULL = 10_000, 100_000
CHECKED = {"adjustment_rows": 1, "adjustment_problems": 0}
APPLIED = {"ledger_entries": 1, "lots": 1, "adjustment_problems": 0}
_LINES = {"adjustment_rows": "SELECT * FROM adjustment_rows ORDER BY line"}
_MOVES = {
    "points_accounts": "SELECT * FROM points_accounts",
    "ledger_entries": "SELECT * FROM ledger_entries WHERE kind = 'adjust' ORDER BY id",
    "lots": "SELECT l.* FROM lots AS l JOIN ledger_entries AS e ON e.member_id = l.member_id AND e.id = l.entry_id"
    " WHERE e.kind = 'adjust' ORDER BY l.id",
}
_Copied = Mapping[str, bytes]
_Work = Callable[[], None]
_Prepare = Callable[[Shop, int], _Work]


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    rows = ROWS_IN_FULL if pace.is_full else ROWS
    shop = open_shop(stand, rows)
    batch_id = upload_file(shop, rows)
    check_batch(shop, batch_id)
    approve(shop, batch_id)
    apply_batch(shop, batch_id)
    lines, moves = export(shop, _LINES), export(shop, _MOVES)
    return [
        Side("check", partial(_measure, stand, rows, CHECKED, _checking)),
        Side("apply", partial(_measure, stand, rows, APPLIED, _applying)),
        Side("lines copied", partial(_measure, stand, rows, CHECKED, partial(_copying, copied=lines), is_proved=False)),
        Side("moves copied", partial(_measure, stand, rows, APPLIED, partial(_copying, copied=moves), is_proved=False)),
    ]


def open_shop(stand: Stand, rows: int) -> Shop:
    """Open a fresh shop with a member for each line."""
    return stand.shop(f"batch_{rows}", members=Members(count=rows, with_session=0, days=1))


def _measure(
    stand: Stand, rows: int, expected: Mapping[str, int], prepare: _Prepare, _seconds: float, *, is_proved: bool = True
) -> Sample:
    shop = open_shop(stand, rows)
    work = prepare(shop, upload_file(shop, rows))
    shop.settle()
    books = Books(shop, expected)
    started_at = time.perf_counter()
    work()
    seconds = time.perf_counter() - started_at
    books.expect(rows, by="the work")
    for member_id in (1, rows) if is_proved else ():
        require_green(shop, member_id=member_id)
    shop.database.engine.dispose()
    return Sample(rows / seconds, done=rows)


def _checking(shop: Shop, batch_id: int) -> _Work:
    return partial(check_batch, shop, batch_id)


def _applying(shop: Shop, batch_id: int) -> _Work:
    check_batch(shop, batch_id)
    approve(shop, batch_id)
    return partial(apply_batch, shop, batch_id)


def _copying(shop: Shop, _batch_id: int, *, copied: _Copied) -> _Work:
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute("CREATE TABLE copied_accounts (LIKE points_accounts INCLUDING ALL)")
    return partial(copy_in, shop, copied)


def export(shop: Shop, queries: Mapping[str, str]) -> _Copied:
    """Return the rows that a batch has written, as COPY takes them."""
    with psycopg.connect(shop.conninfo) as connection:
        found = {}
        for table, query in queries.items():
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
    lines, moves = samples["lines copied"], samples["moves copied"]
    from_file = in_turn(samples["check"], samples["apply"])
    return [
        share("batch", from_file, in_turn(lines, moves), good=0.2, goal=0.4),
        share("batch, checking alone", samples["check"], lines),
        share("batch, applying alone", samples["apply"], moves),
    ]


ROW = Row(name="batch", title="adjustments from a file a second against COPY", stage=_stage, compare=_compare)
