"""Purchase (消费上报) over HTTP, signed and idempotent, with a rule that pays; beside pgbench writing the same rows."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.books import Books, require_green
from benchmarks.figures import Sample, Share, share
from benchmarks.load import LoadResult
from benchmarks.over_http import HttpSide, MemberNumbers, Request
from benchmarks.partner import STORE_CODE, Till, open_till, ref_of
from benchmarks.pgbench import SCRIPTS, measure_pgbench
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from benchmarks.wire import NUMBER

ROWS_OF_A_PURCHASE = {
    "partner_nonces": 1,
    "orders": 1,
    "ledger_entries": 1,
    "lots": 1,
    "outbox_events": 2,
    "evaluations": 1,
    "idempotency_records": 1,
}
BUYERS, OTHERS = 40_000, 20_000
"""Those who buy over HTTP, once each, and those for whom pgbench writes."""
MEMBERS = Members(count=BUYERS + OTHERS, with_session=0, days=1)
SCRIPT = SCRIPTS / "purchase.sql"
_LINES = [
    {"line_number": 1, "sku": "tea", "category": "drink", "quantity": 2, "amount_fen": 3600},
    {"line_number": 2, "sku": "cake", "category": "food", "quantity": 1, "amount_fen": 1800},
]


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = stand.shop("purchase", members=MEMBERS)
    till = open_till(shop, members=BUYERS)
    books = Books(shop, ROWS_OF_A_PURCHASE)
    shop.settle()

    def check(result: LoadResult) -> None:
        books.expect(result.statuses.get("201", 0), by="the API")
        require_green(shop, member_id=1)
        shop.analyze()  # plans made for empty tables scan what is written later

    numbers = MemberNumbers(BUYERS, is_each_once=True)
    ours = HttpSide(stand.web(shop), shop, purchase_of(till), numbers, pace.clients, check)
    return [Side("purchase", ours.measure), Side("pgbench", Limit(shop, till, books, pace.clients).measure)]


def purchase_of(till: Till) -> Request:
    """Return the purchase that each member makes, paid at this moment."""
    body = {
        "store_code": STORE_CODE,
        "member_ref": ref_of(),
        "order_number": f"B-{NUMBER}",
        "paid_at": datetime.now(UTC).isoformat(),
        "lines": _LINES,
    }
    return till.request("/partner/v1/purchases", body=json.dumps(body, separators=(",", ":")), status=201)


class Limit:
    """Writes the same rows by pgbench, for other members, again and again."""

    def __init__(self, shop: Shop, till: Till, books: Books, clients: int) -> None:
        self._shop, self._till, self._books, self._clients = shop, till, books, clients
        self._round = 0

    def measure(self, seconds: float) -> Sample:
        """Write for so many seconds."""
        self._round += 1
        variables = {
            "n": 0,
            "clients": self._clients,
            "first_id": BUYERS + 1,
            "members": OTHERS,
            "number": self._round,
            **ids_of(self._till),
        }
        sample = measure_pgbench(self._shop, SCRIPT, clients=self._clients, seconds=seconds, variables=variables)
        self._books.expect(sample.done, by="pgbench")
        require_green(self._shop, member_id=BUYERS + 1)
        return sample


def ids_of(till: Till) -> dict[str, int]:
    """Return the ids that the script writes."""
    return {"key_id": till.partner_key_id, "store_id": till.store_id, "revision_id": till.revision_id}


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("purchase", samples["purchase"], samples["pgbench"], good=0.22, goal=0.40)]


ROW = Row(
    name="purchase", title="purchase by a partner against pgbench writing the same rows", stage=_stage, compare=_compare
)
