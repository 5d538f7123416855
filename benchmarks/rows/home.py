"""The member's home over HTTP, beside an empty Flask route, and beside one of our own application.

The latter tells what request id, log, metrics and headers cost by themselves.
"""

from collections.abc import Sequence

from benchmarks.figures import Share, share
from benchmarks.over_http import HttpSide, MemberNumbers, Request
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.rows.check_in import MEMBERS, open_shop
from benchmarks.stand import Stand

HOME = Request(method="GET", path="/miniprogram/v1/me", status=200)
EMPTY = Request(method="GET", path="/empty", status=200)
OWN_EMPTY = Request(method="GET", path="/healthz", status=200)


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = open_shop(stand)
    numbers = MemberNumbers(MEMBERS.with_session, is_each_once=False)
    web, bare = stand.web(shop), stand.web(shop, application="benchmarks.bare:wsgi")
    return [
        Side("home", HttpSide(web, shop, HOME, numbers, pace.clients).measure),
        Side("empty route", HttpSide(bare, shop, EMPTY, numbers, pace.clients).measure),
        Side("own empty route", HttpSide(web, shop, OWN_EMPTY, numbers, pace.clients).measure),
    ]


def _compare(samples: Samples) -> Sequence[Share]:
    return [
        share("home", samples["home"], samples["empty route"], good=0.25, goal=0.40),
        share("home of our own empty route", samples["home"], samples["own empty route"]),
    ]


ROW = Row(name="home", title="member home against an empty Flask route", stage=_stage, compare=_compare)
