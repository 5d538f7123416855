"""Check-in (签到) over HTTP, beside pgbench writing the same rows and beside an empty Flask route."""

from collections.abc import Sequence

from benchmarks.books import ROWS_OF_A_CHECK_IN, Books, require_green
from benchmarks.figures import Sample, Share, in_turn, share
from benchmarks.load import LoadResult
from benchmarks.over_http import HttpSide, MemberNumbers, Request
from benchmarks.pgbench import SCRIPTS, measure_pgbench
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand

TAPS = Request(
    method="POST",
    path="/miniprogram/v1/check-ins",
    status=201,
    body="{}",
    headers=("Idempotency-Key: bench-tap-{number}",),
)
EMPTY = Request(method="POST", path="/empty", status=200, body=TAPS.body, headers=TAPS.headers)
# With a past: plans that the server made for empty tables would be kept, and scan what is written later.
MEMBERS = Members(count=80_000, with_session=50_000, days=1)
SCRIPT = SCRIPTS / "check_in.sql"


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = open_shop(stand)
    books = Books(shop, ROWS_OF_A_CHECK_IN)
    bare = stand.web(shop, application="benchmarks.bare:wsgi")
    empty = HttpSide(bare, shop, EMPTY, MemberNumbers(MEMBERS.with_session, is_each_once=False), pace.clients)
    return [
        Side("check-in", taps(stand, shop, books, pace).measure),
        Side("pgbench", Limit(shop, books, pace.clients).measure),
        Side("empty route", empty.measure),
    ]


def open_shop(stand: Stand) -> Shop:
    """Open a shop whose members have all yet to check in."""
    return stand.shop("check_in", members=MEMBERS)


def taps(stand: Stand, shop: Shop, books: Books, pace: Pace, *, members: int = MEMBERS.with_session) -> HttpSide:
    """Return the side that checks in over HTTP, every request another member."""

    def check(result: LoadResult) -> None:
        books.expect(result.statuses.get("201", 0), by="the API")
        require_green(shop, member_id=1)

    return HttpSide(stand.web(shop), shop, TAPS, MemberNumbers(members, is_each_once=True), pace.clients, check)


class Limit:
    """Writes the same rows by pgbench, for members without a session, on another day each round."""

    def __init__(self, shop: Shop, books: Books, clients: int) -> None:
        self._shop, self._books, self._clients = shop, books, clients
        self._round = 0

    def measure(self, seconds: float) -> Sample:
        """Write for so many seconds."""
        self._round += 1
        variables = {
            "n": 0,
            "clients": self._clients,
            "first_id": MEMBERS.with_session + 1,
            "day": f"2020-01-{self._round:02d}",
        }
        sample = measure_pgbench(self._shop, SCRIPT, clients=self._clients, seconds=seconds, variables=variables)
        self._books.expect(sample.done, by="pgbench")
        require_green(self._shop, member_id=MEMBERS.with_session + 1)
        return sample


def _compare(samples: Samples) -> Sequence[Share]:
    ours, limit, empty = samples["check-in"], samples["pgbench"], samples["empty route"]
    return [
        share("check-in", ours, limit, good=0.30, goal=0.45),
        share("check-in of H", ours, in_turn(limit, empty)),
        share("check-in of the empty route", ours, empty),
    ]


ROW = Row(name="check-in", title="check-in against pgbench writing the same rows", stage=_stage, compare=_compare)
