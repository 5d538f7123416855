"""Spending points (使用积分) over three lots, from a few processes as from web workers, beside pgbench with as many."""

from collections.abc import Sequence

from benchmarks.books import Books, require_green
from benchmarks.figures import Sample, Share, share
from benchmarks.over_processes import ProcessSide
from benchmarks.pgbench import SCRIPTS, measure_pgbench
from benchmarks.processes import PROCESSES
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand

ROWS_OF_A_SPEND = {"ledger_entries": 1, "draws": 3, "outbox_events": 1}
POINTS = 15
"""Three lots of what a check-in pays."""
SPENDERS, OTHERS = 10_000, 20_000
"""Those for whom the service spends, and those for whom pgbench writes; four times each."""
MEMBERS = Members(count=SPENDERS + OTHERS, with_session=0, days=12)
SCRIPT = SCRIPTS / "spend.sql"


def _stage(stand: Stand, _pace: Pace) -> Sequence[Side]:
    shop = stand.shop("spend", members=MEMBERS)
    books = Books(shop, ROWS_OF_A_SPEND)

    def check(sample: Sample) -> None:
        books.expect(sample.done, by="the service")
        require_green(shop, member_id=1)

    ours = ProcessSide(shop, "benchmarks.spending", {"points": POINTS}, SPENDERS, check)
    return [
        Side("spend", ours.measure),
        Side("pgbench", Limit(shop, books, PROCESSES).measure),
    ]


class Limit:
    """Writes the same rows by pgbench, for other members."""

    def __init__(self, shop: Shop, books: Books, clients: int) -> None:
        self._shop, self._books, self._clients = shop, books, clients
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
        }
        sample = measure_pgbench(self._shop, SCRIPT, clients=self._clients, seconds=seconds, variables=variables)
        self._done += sample.done
        self._books.expect(sample.done, by="pgbench")
        require_green(self._shop, member_id=SPENDERS + 1)
        return sample


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("spend", samples["spend"], samples["pgbench"], good=0.25, goal=0.40)]


ROW = Row(
    name="spend", title="spend over three lots against pgbench writing the same rows", stage=_stage, compare=_compare
)
