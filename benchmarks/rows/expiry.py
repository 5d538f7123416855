"""Expiry (积分到期), messages included, in pages, beside statements that write the same rows; and what members feel.

Each round begins with a fresh copy of the shop: points expire once. Members who check in meanwhile have another shop,
of which a part of the lots is booked out in each round.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial

from benchmarks.books import Books, require_green
from benchmarks.expiring import (
    ExpiryUnderWay,
    Step,
    end_of_lots,
    jobs_of_a_night,
    open_messages,
    statements_of_a_night,
)
from benchmarks.figures import Sample, Share, share
from benchmarks.over_http import HttpSide, MemberNumbers
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.rows.check_in import TAPS
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand

LOTS, LOTS_IN_FULL, LOTS_EACH = 20_000, 1_000_000, 2
ROWS_OF_A_MEMBER = {
    "notices": 1,
    "inbox_messages": 1,
    "outbox_events": 1,
    "lot_warnings": LOTS_EACH,
    "lot_evidence": LOTS_EACH,
    "ledger_entries": 1,
    "draws": LOTS_EACH,
    "lot_graces": 0,
}
TAPPING = Members(count=80_000, with_session=50_000, days=4)
TAPPING_CLIENTS = 4
"""Few enough that members do not queue up behind each other: what they feel is the job."""
_Night = Callable[[Shop, datetime], Iterator[Step]]


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    members = (LOTS_IN_FULL if pace.is_full else LOTS) // LOTS_EACH
    nights: dict[str, _Night] = {"expiry": jobs_of_a_night, "floor": statements_of_a_night}
    shop = stand.shop("expiry_beside", members=TAPPING)
    numbers = MemberNumbers(TAPPING.with_session, is_each_once=True)
    taps = HttpSide(stand.web(shop), shop, TAPS, numbers, TAPPING_CLIENTS)
    return [
        *(Side(name, partial(_measure, stand, members, name, night)) for name, night in nights.items()),
        Side("taps alone", partial(_tap, taps, nullcontext())),
        Side("taps beside", partial(_tap, taps, ExpiryUnderWay(shop))),
    ]


def _measure(stand: Stand, members: int, by: str, night: _Night, _seconds: float) -> Sample:
    shop = stand.shop(f"expiry_{members}", members=Members(count=members, with_session=0, days=LOTS_EACH))
    shop.settle()
    books, seconds = Books(shop, ROWS_OF_A_MEMBER), 0.0
    for step in night(shop, end_of_lots(shop)):
        started_at = time.perf_counter()
        step()
        seconds += time.perf_counter() - started_at
        open_messages(shop)
        shop.settle()
    books.expect(members, by=by)
    for member_id in (1, members):
        require_green(shop, member_id=member_id)
    shop.database.engine.dispose()
    return Sample(members * LOTS_EACH / seconds, done=members * LOTS_EACH)


def _tap(taps: HttpSide, meanwhile: AbstractContextManager[None], seconds: float) -> Sample:
    with meanwhile:
        sample = taps.measure(seconds)
    require_green(taps.shop, member_id=1)
    return sample


def _compare(samples: Samples) -> Sequence[Share]:
    alone, beside = samples["taps alone"], samples["taps beside"]
    return [
        share("expiry", samples["expiry"], samples["floor"], good=0.5, goal=0.7),
        share("check-in alone", alone, alone),
        share("check-in beside expiry", beside, alone),
        share("check-in p99 beside expiry", _by_p99(beside), _by_p99(alone), good=3, goal=3, better="less"),
    ]


def _by_p99(samples: Sequence[Sample]) -> Sequence[Sample]:
    """As a rate, that shares compare: how many of the slowest hundredth would fit into a second."""
    return [Sample(1000 / (sample.p99_ms or 1), done=sample.done, p99_ms=sample.p99_ms) for sample in samples]


ROW = Row(name="expiry", title="lots expired a second, messages included", stage=_stage, compare=_compare)
