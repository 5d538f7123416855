"""Coupons for many (批量发券), page by page with every limit, beside one INSERT … SELECT that writes the same rows.

The plain statement is the limit. Told beside it is one that counts on top of counters that may be there, as whoever
issues has to: members may have claimed. Each round begins with a fresh copy of the shop: a job issues once. The
container is built before the clock starts: a worker has one for as long as it lives.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.books import Books
from benchmarks.figures import Sample, Share, share
from benchmarks.issuing import COUNTED, PLAIN, approved_job, issue_by_statement, issue_job, require_counted
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Stand
from loyalty.container import Container, build

MEMBERS, MEMBERS_IN_FULL = 20_000, 1_000_000


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    members = MEMBERS_IN_FULL if pace.is_full else MEMBERS
    return [
        Side("job", partial(_measure, stand, members, issue_job)),
        Side("statement", partial(_measure, stand, members, partial(issue_by_statement, PLAIN))),
        Side("counted", partial(_measure, stand, members, partial(issue_by_statement, COUNTED))),
    ]


def _measure(stand: Stand, members: int, work: Callable[[Container, int], None], _seconds: float) -> Sample:
    shop = stand.shop(f"issue_{members}", members=Members(count=members, with_session=0, days=1))
    container = build(shop.settings)
    job_id = approved_job(container)
    shop.settle()
    books = Books(shop, {"coupons": 1})
    started_at = time.perf_counter()
    work(container, job_id)
    seconds = time.perf_counter() - started_at
    books.expect(members, by="the work")
    require_counted(shop, members)
    container.database.engine.dispose()
    shop.database.engine.dispose()
    return Sample(members / seconds, done=members)


def _compare(samples: Samples) -> Sequence[Share]:
    return [
        share("bulk issue", samples["job"], samples["statement"], good=0.7, goal=0.9),
        share("bulk issue against counting", samples["job"], samples["counted"]),
    ]


ROW = Row(name="issue-bulk", title="coupons issued to many a second", stage=_stage, compare=_compare)
