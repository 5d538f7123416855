"""Opening a share (打开分享) over HTTP, each by another visitor, beside pgbench writing the same rows.

All open one member's link at the same time: the worst that a share can do to itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
from sqlalchemy.orm import Session

from benchmarks.books import Books
from benchmarks.figures import Sample, Share, share
from benchmarks.load import LoadResult
from benchmarks.over_http import HttpSide, MemberNumbers, Request
from benchmarks.pgbench import SCRIPTS, measure_pgbench
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from benchmarks.wire import NUMBER
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from loyalty.referrals.queries.shares import ShareTokenView
from loyalty.referrals.rules.programme import Programme, Reward
from loyalty.referrals.rules.sharing import Channel, Purpose
from loyalty.referrals.service import programmes
from loyalty.referrals.service.sharing import mint

VISITORS, OTHERS = 40_000, 20_000
"""Who opens over HTTP, once each, and those for whom pgbench writes; the first of the latter shared."""
MEMBERS = Members(count=VISITORS + OTHERS, with_session=VISITORS)
ROWS_OF_AN_OPENING = {"share_touches": 1, "share_openings": 1, "risk_sightings": 1, "outbox_events": 0}
SCRIPT = SCRIPTS / "share_opening.sql"
_ACTOR = Actor("system:bench")
_PROGRAMME = Programme("邀请有礼", "好友入会后双方各得积分", "来喝一杯", Reward(100), Reward(50))
_ARE_VISITORS = "UPDATE identities SET member_id = NULL WHERE id <= %s"


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = stand.shop("share_opening", members=MEMBERS)
    shared = _shared_link(shop)
    books = Books(shop, ROWS_OF_AN_OPENING)
    shop.settle()

    def check(result: LoadResult) -> None:
        books.expect(result.statuses.get("200", 0), by="the API")
        shop.analyze()  # plans made for empty tables scan what is written later

    # Each visitor has an address of their own, as behind a balancer: openings are limited by address.
    web = stand.web(replace(shop, environment={**shop.environment, "TRUSTED_PROXY_COUNT": "1"}))
    numbers = MemberNumbers(VISITORS, is_each_once=True)
    ours = HttpSide(web, shop, opening_of(shared), numbers, pace.clients, check)
    limit = Limit(shop, shared, books, pace.clients)
    return [Side("open", ours.measure), Side("pgbench", limit.measure)]


def opening_of(shared: ShareTokenView) -> Request:
    """Return the opening that each visitor makes."""
    return Request(
        method="POST",
        path="/miniprogram/v1/share-openings",
        status=200,
        body=f'{{"share":"{shared.token}"}}',
        headers=(f"X-Forwarded-For: visitor-{NUMBER}",),
    )


def _shared_link(shop: Shop) -> ShareTokenView:
    at = datetime.now(UTC)
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(_ARE_VISITORS, (VISITORS,))

    def make(session: Session) -> ShareTokenView:
        programmes.save_draft(session, programme=_PROGRAMME, actor=_ACTOR, at=at)
        programmes.publish(session, actor=_ACTOR, at=at)
        return mint(session, member_id=VISITORS + 1, channel=Channel.MINI_PROGRAM, purpose=Purpose.REFERRAL, at=at)

    return run(shop.database, make)


class Limit:
    """Writes the same rows by pgbench, again and again."""

    def __init__(self, shop: Shop, shared: ShareTokenView, books: Books, clients: int) -> None:
        self._shop, self._shared, self._books, self._clients = shop, shared, books, clients
        self._round = 0

    def measure(self, seconds: float) -> Sample:
        """Write for so many seconds."""
        self._round += 1
        variables = variables_of(self._shared, clients=self._clients, number=self._round)
        sample = measure_pgbench(self._shop, SCRIPT, clients=self._clients, seconds=seconds, variables=variables)
        self._books.expect(sample.done, by="pgbench")
        return sample


def variables_of(shared: ShareTokenView, *, clients: int, number: int) -> dict[str, object]:
    """Return what the script needs to know."""
    return {
        "n": 0,
        "clients": clients,
        "first_id": VISITORS + 1,
        "members": OTHERS,
        "number": number,
        "share_token_id": shared.id,
    }


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("share opening", samples["open"], samples["pgbench"])]


ROW = Row(name="share-opening", title="openings of one shared link", stage=_stage, compare=_compare)
