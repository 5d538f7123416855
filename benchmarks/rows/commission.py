"""Commission accrual (计佣): what all orders of invited friends earn, page by page, beside one INSERT … SELECT.

The plain statement is the limit: it writes the same rows, asks nobody whether they may be paid, and chains nothing.
Each round begins with a fresh copy of the shop: an order earns once.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.books import Books
from benchmarks.commissioning import accrue_by_job, accrue_by_statement, fill, require_sums
from benchmarks.figures import Sample, Share, share
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand

ORDERS, ORDERS_IN_FULL = 20_000, 1_000_000
ORDERS_PER_MEMBER = 5


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    orders = ORDERS_IN_FULL if pace.is_full else ORDERS
    return [
        Side("job", partial(_measure, stand, orders, accrue_by_job, is_proved=True)),
        Side("statement", partial(_measure, stand, orders, accrue_by_statement, is_proved=False)),
    ]


def _measure(stand: Stand, orders: int, work: Callable[[Shop], None], _seconds: float, *, is_proved: bool) -> Sample:
    members = orders // ORDERS_PER_MEMBER
    shop = stand.shop(f"commission_{orders}", members=Members(count=members, with_session=0, days=0))
    fill(shop, members=members, orders=orders)
    shop.settle()
    books = Books(shop, {"commissions": 1, "earnings_entries": 1})
    started_at = time.perf_counter()
    work(shop)
    seconds = time.perf_counter() - started_at
    books.expect(orders, by="the work")
    require_sums(shop, orders=orders, is_proved=is_proved)
    shop.database.engine.dispose()
    return Sample(orders / seconds, done=orders)


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("commission accrual", samples["job"], samples["statement"], good=0.2, goal=0.4)]


ROW = Row(name="commission-accrual", title="orders that earn commissions a second", stage=_stage, compare=_compare)
