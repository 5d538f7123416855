"""Growth: what a check-in costs in a ledger that has just begun and in one of many entries.

After each round the server learns how large its tables have become, as autovacuum would let it within a minute: a plan
made for an empty table scans it.
"""

from collections.abc import Sequence
from functools import partial

from benchmarks.books import ROWS_OF_A_CHECK_IN, Books
from benchmarks.figures import Sample, Share, share
from benchmarks.over_http import HttpSide
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.rows.check_in import taps
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand

MEMBERS = 50_000
DAYS, DAYS_IN_FULL = 6, 200
"""300,000 entries, or 10,000,000 with ``--full``."""


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    sides = []
    for name in ("few", "many"):
        shop = open_shop(stand, name=name, pace=pace)
        sides.append(
            Side(
                name, partial(_measure, shop, taps(stand, shop, Books(shop, ROWS_OF_A_CHECK_IN), pace, members=MEMBERS))
            )
        )
    return sides


def _measure(shop: Shop, tapping: HttpSide, seconds: float) -> Sample:
    sample = tapping.measure(seconds)
    shop.analyze()
    return sample


def open_shop(stand: Stand, *, name: str, pace: Pace) -> Shop:
    """Open a shop with few entries, or with many."""
    days = {"few": 0, "many": DAYS_IN_FULL if pace.is_full else DAYS}[name]
    members = Members(count=MEMBERS, with_session=MEMBERS, days=days)
    return stand.shop(f"growth_{name}_{days}", members=members)


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("growth", samples["many"], samples["few"], good=1.3, goal=1.1, better="less")]


ROW = Row(name="growth", title="cost of a check-in, many entries against few", stage=_stage, compare=_compare)
