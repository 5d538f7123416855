"""A batch of claim codes (兑换码) with its export, beside random codes that are stored with an index and copied out.

In full size a million of them. Memory is that of a process that makes and exports them, above its start.
"""

import csv
import io
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import psycopg

from benchmarks.books import count_rows
from benchmarks.couponing import MAKER, make_template
from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, share
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from loyalty.coupons.queries.codes import CodeBatchView, get_batch, uses_between
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.service.code_batches import make_batch
from loyalty.kernel.database import Session, connect
from loyalty.kernel.transaction import run
from trial.paths import PROJECT

CODES, CODES_IN_FULL = 100_000, 1_000_000
CODES_PER_PAGE = 5_000
_KEY = b"bench" * 8
_STORED = """CREATE TABLE stored_codes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, batch_id bigint NOT NULL,
    code text NOT NULL UNIQUE)"""


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    count = CODES_IN_FULL if pace.is_full else CODES
    shop = stand.shop("codes", members=Members(count=10, with_session=0))
    template_id = make_template(shop).id
    memory_mb = _memory_of(shop, template_id, count)
    return [
        Side("derived", partial(_derived, shop, template_id, count, memory_mb)),
        Side("stored", partial(_stored, shop, count)),
    ]


def export(shop_url: str, template_id: int, count: int) -> int:
    """Make a batch and write all of its codes as CSV, a page in memory at a time; return how many bytes."""
    database = connect(shop_url, connections=1)

    def make(session: Session) -> CodeBatchView:
        made = make_batch(session, template_id=template_id, name="传单", count=count, actor=MAKER, at=datetime.now(UTC))
        return get_batch(session, batch_id=made)

    batch, written = run(database, make), 0
    for first in range(batch.first_serial, batch.first_serial + batch.count, CODES_PER_PAGE):
        until = min(first + CODES_PER_PAGE, batch.first_serial + batch.count)
        gone = run(database, partial(uses_between, first_serial=first, until_serial=until))
        written += len(_csv((claim_code(_KEY, serial), str(gone.get(serial))) for serial in range(first, until)))
    database.engine.dispose()
    return written


def _csv(rows: Iterator[tuple[str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _derived(shop: Shop, template_id: int, count: int, memory_mb: float, _seconds: float) -> Sample:
    before = count_rows(shop.conninfo, ["coupon_code_batches", "coupon_code_uses"])
    started_at = time.perf_counter()
    written = export(shop.environment["DATABASE_URL"], template_id, count)
    seconds = time.perf_counter() - started_at
    after = count_rows(shop.conninfo, ["coupon_code_batches", "coupon_code_uses"])
    if written < count * len("XXXX-XXXX-XXXX") or after != before | {
        "coupon_code_batches": before["coupon_code_batches"] + 1
    }:
        raise BenchFailed(f"{written} bytes were exported, and the rows went from {before} to {after}")
    return Sample(count / seconds, done=count, memory_mb=memory_mb)


def _stored(shop: Shop, count: int, _seconds: float) -> Sample:
    started_at = time.perf_counter()
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute("DROP TABLE IF EXISTS stored_codes")
        connection.execute(_STORED)
        connection.execute(
            "INSERT INTO stored_codes (batch_id, code)"
            " SELECT 1, upper(substr(encode(sha256((%s || n)::bytea), 'hex'), 1, 12)) || n"
            " FROM generate_series(1, %s) AS n",
            (str(started_at), count),
        )
        with connection.cursor().copy("COPY (SELECT code FROM stored_codes ORDER BY id) TO STDOUT") as rows:
            for _ in rows:
                pass
    return Sample(count / (time.perf_counter() - started_at), done=count)


def _memory_of(shop: Shop, template_id: int, count: int) -> float:
    """Return how many MB a process needs more for such a batch than for one of a single page."""
    return max(0.0, _peak_mb(shop, template_id, count) - _peak_mb(shop, template_id, CODES_PER_PAGE))


def _peak_mb(shop: Shop, template_id: int, count: int) -> float:
    code = (
        "import resource, sys; from benchmarks.rows.codes import export;"
        f"export({shop.environment['DATABASE_URL']!r}, {template_id}, {count});"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchFailed(f"the export failed: {done.stderr.strip()[-400:]}")
    return float(done.stdout)


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("codes", samples["derived"], samples["stored"])]


ROW = Row(
    name="codes", title="claim codes made and exported a second against stored ones", stage=_stage, compare=_compare
)
