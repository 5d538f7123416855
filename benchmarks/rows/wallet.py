"""The first page of a wallet (券包) with 500 coupons over HTTP, beside an empty Flask route."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.couponing import fill_wallets, make_template
from benchmarks.figures import Share, share
from benchmarks.over_http import HttpSide, MemberNumbers, Request
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.rows.check_in import MEMBERS, open_shop
from benchmarks.rows.home import EMPTY
from benchmarks.seed import token_of
from benchmarks.stand import Stand

COUPONS, FEW = 500, 5
OWNER, OTHER = 1, 2
WALLET = Request(
    method="GET",
    path="/miniprogram/v1/coupons?shelf=usable",
    status=200,
    authorization=f"Authorization: Bearer {token_of(OWNER)}",
)


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = open_shop(stand)
    template = make_template(shop)
    fill_wallets(shop, template, first=OWNER, last=OWNER, each=COUPONS)
    fill_wallets(shop, template, first=OTHER, last=MEMBERS.with_session, each=FEW)
    shop.settle()
    numbers = MemberNumbers(MEMBERS.with_session, is_each_once=False)
    web, bare = stand.web(shop), stand.web(shop, application="benchmarks.bare:wsgi")
    small = replace(WALLET, authorization=f"Authorization: Bearer {token_of(OTHER)}")
    return [
        Side("wallet of 500", HttpSide(web, shop, WALLET, numbers, pace.clients).measure),
        Side("wallet of 5", HttpSide(web, shop, small, numbers, pace.clients).measure),
        Side("empty route", HttpSide(bare, shop, EMPTY, numbers, pace.clients).measure),
    ]


def _compare(samples: Samples) -> Sequence[Share]:
    wallet = samples["wallet of 500"]
    return [
        share("wallet of 500 coupons", wallet, samples["empty route"]),
        share("wallet of 500 against one of 5", wallet, samples["wallet of 5"]),
    ]


ROW = Row(
    name="wallet",
    title="first page of a wallet with 500 coupons against an empty route",
    stage=_stage,
    compare=_compare,
)
