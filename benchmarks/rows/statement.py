"""The first page of a statement (积分明细), of a member with 100,000 entries beside one with a hundred."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, percentile, share
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from loyalty.kernel.pagination import PAGE_SIZE
from loyalty.kernel.transaction import run
from loyalty.points.statement import list_entries

MEMBERS = Members(count=10_000, with_session=0, days=1)
ENTRIES = {"long": 100_000, "short": 100}
_MEMBERS = {"long": 1, "short": 2}
# Reading looks at no digest: an entry every quarter of an hour, beside those of all other members.
_WRITE = """INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference,
    actor, explanation, occurred_at, recorded_at, digest)
SELECT %(member_id)s, nextval('ledger_entry_ids'), 1 + n, 'earn', 1, n, 0, 'bench:' || n, 'system',
    '{"rule": "purchase"}', at, at, ''
FROM (SELECT n, %(start)s + n * interval '15 minutes' AS at FROM generate_series(1, %(count)s) AS n) AS entry"""


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = stand.shop("statement", members=MEMBERS)
    for name, count in ENTRIES.items():
        write_entries(shop, member_id=_MEMBERS[name], count=count)
    shop.settle()
    return [Side(name, partial(_measure, shop, _MEMBERS[name], count)) for name, count in ENTRIES.items()]


def write_entries(shop: Shop, *, member_id: int, count: int) -> None:
    """Give a member so many more entries, the last of them now."""
    start = datetime.now(UTC) - count * timedelta(minutes=15)
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(_WRITE, {"member_id": member_id, "count": count, "start": start})


def _measure(shop: Shop, member_id: int, count: int, seconds: float) -> Sample:
    latencies: list[float] = []
    started_at = asked_at = time.perf_counter()
    while asked_at < started_at + seconds:
        page = run(shop.database, lambda session: list_entries(session, member_id=member_id))
        now = time.perf_counter()
        latencies.append((now - asked_at) * 1000)
        asked_at = now
        if [entry.balance_after for entry in page.items] != list(range(count, count - PAGE_SIZE, -1)):
            raise BenchFailed(f"the page of member {member_id} does not hold the newest {PAGE_SIZE} entries")
    ordered = sorted(latencies)
    return Sample(
        len(latencies) / (asked_at - started_at),
        done=len(latencies),
        p50_ms=percentile(ordered, 0.50),
        p99_ms=percentile(ordered, 0.99),
    )


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("statement", samples["long"], samples["short"], good=1.3, goal=1.1, better="less")]


ROW = Row(name="statement", title="first page of a long statement against a short one", stage=_stage, compare=_compare)
