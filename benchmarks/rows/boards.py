"""Boards: figures of thirty days, from the roll-ups and from the rows that they count; both must say the same."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, share
from benchmarks.population import Population
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.stand import Shop, Stand
from loyalty.kernel.business_days import within
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.points.posting import ENTRIES
from loyalty.reports.rollups import rolling
from loyalty.reports.rollups.board import figures_by_day
from loyalty.reports.rollups.figures import FACTS, POINTS, Figures
from loyalty.reports.rollups.sources import facts_of_days, points_of_days
from loyalty.stores.rules import EVERYTHING

MEMBERS = 50_000
FEW_ENTRIES, ENTRIES_IN_FULL = 300_000, 10_000_000
"""Over three years, of members of a hundred stores; the many with ``--full``."""
DAYS = 30
Board = Mapping[date, Figures]


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    entries = ENTRIES_IN_FULL if pace.is_full else FEW_ENTRIES
    shop = stand.shop("boards", members=Population(count=MEMBERS, with_session=0, entries=entries))
    zone, at = shop.settings.time_zone, datetime.now(UTC)
    _roll(shop, zone, at)
    last = business_date(at, zone)
    first = last - timedelta(days=DAYS - 1)
    rolled = partial(figures_by_day, scope=EVERYTHING, first=first, last=last, zone=zone)
    raw = partial(_from_rows, first=first, last=last, zone=zone)
    if run(shop.database, rolled) != run(shop.database, raw):
        raise BenchFailed("the roll-ups say something else than their rows")
    return [Side("roll-up", partial(_measure, shop, rolled)), Side("rows", partial(_measure, shop, raw))]


def _roll(shop: Shop, zone: ZoneInfo, at: datetime) -> None:
    for step in (partial(rolling.roll_points, zone=zone), partial(rolling.recount_days, zone=zone, at=at)):
        while run(shop.database, step):
            pass
    shop.settle()


def _from_rows(session: Session, *, first: date, last: date, zone: ZoneInfo) -> Board:
    """Reckon the same figures from the rows alone."""
    board = {first + timedelta(days=number): Figures() for number in range((last - first).days + 1)}
    points = points_of_days(zone, within(ENTRIES.c.occurred_at, first, last, zone))
    for query, names in ((points, POINTS), (facts_of_days(first, last, zone), FACTS)):
        for row in session.execute(query).mappings():
            found = Figures(**{name: int(row[name]) for name in names})
            board[row["business_on"]] = Figures.sum_of([board[row["business_on"]], found])
    return board


def _measure(shop: Shop, read: Callable[[Session], Board], seconds: float) -> Sample:
    done, started_at = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - started_at < seconds:
        run(shop.database, read)
        done += 1
    return Sample(done / (time.perf_counter() - started_at), done=done)


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("boards", samples["roll-up"], samples["rows"], good=20, goal=50)]


ROW = Row(
    name="boards", title="figures of thirty days, from roll-ups against their rows", stage=_stage, compare=_compare
)
