"""Validating and redeeming a coupon (验券与核销) by the service, beside pgbench writing the same rows.

Both sides work with as many clients: a process each, as many as pgbench has connections.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.books import Books
from benchmarks.couponing import MAKER, fill_wallets, make_template
from benchmarks.figures import Sample, Share, share
from benchmarks.over_processes import ProcessSide
from benchmarks.pgbench import SCRIPTS, measure_pgbench
from benchmarks.processes import PROCESSES
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.rows.spend import MEMBERS, OTHERS, SPENDERS
from benchmarks.stand import Shop, Stand
from loyalty.kernel.transaction import run
from loyalty.stores.rules import StoreKind
from loyalty.stores.service import create_store

ROWS_OF_A_REDEMPTION = {"coupon_redemptions": 1, "outbox_events": 1}
COUPONS_EACH, COUPONS_OF_OTHERS = 8, 10
SCRIPT = SCRIPTS / "redeem.sql"


def _stage(stand: Stand, _pace: Pace) -> Sequence[Side]:
    shop = stand.shop("spend", members=MEMBERS)
    template, store_id = make_template(shop), _store(shop)
    fill_wallets(shop, template, first=1, last=SPENDERS, each=COUPONS_EACH)
    fill_wallets(shop, template, first=SPENDERS + 1, last=SPENDERS + OTHERS, each=COUPONS_OF_OTHERS)
    shop.settle()
    books = Books(shop, ROWS_OF_A_REDEMPTION)

    def check(sample: Sample) -> None:
        books.expect(sample.done, by="the service")

    given = {"store_id": store_id, "zone": shop.settings.time_zone.key}
    ours = ProcessSide(shop, "benchmarks.redeeming", given, SPENDERS, check)
    return [
        Side("redeem", ours.measure),
        Side("pgbench", Limit(shop, books, store_id, PROCESSES).measure),
    ]


class Limit:
    """Writes the same rows by pgbench, for other members."""

    def __init__(self, shop: Shop, books: Books, store_id: int, clients: int) -> None:
        self._shop, self._books, self._store_id, self._clients = shop, books, store_id, clients
        self._round, self._done = 0, 0

    def measure(self, seconds: float) -> Sample:
        """Write for so many seconds."""
        self._round += 1
        variables = {
            "n": self._done // self._clients,
            "clients": self._clients,
            "first_id": SPENDERS + 1,
            "members": OTHERS,
            "number": self._round,
            "store_id": self._store_id,
        }
        sample = measure_pgbench(self._shop, SCRIPT, clients=self._clients, seconds=seconds, variables=variables)
        self._done += sample.done
        self._books.expect(sample.done, by="pgbench")
        return sample


def _store(shop: Shop) -> int:
    at = datetime.now(UTC)

    def make(session: Any) -> int:
        kind = StoreKind.HEADQUARTERS
        top = create_store(session, kind=kind, parent_id=None, code="BENCH000", name="总部", actor=MAKER, at=at)
        session.flush()
        kind = StoreKind.STORE
        store = create_store(session, kind=kind, parent_id=top.id, code="BENCH001", name="门店", actor=MAKER, at=at)
        session.flush()
        return store.id

    return run(shop.database, make)


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("redeem", samples["redeem"], samples["pgbench"], good=0.25, goal=0.35)]


ROW = Row(
    name="redeem",
    title="validate and redeem a coupon against pgbench writing the same rows",
    stage=_stage,
    compare=_compare,
)
