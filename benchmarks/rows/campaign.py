"""Campaigns: how long the forecast of one for a million members takes, and the results of one that reached them.

Each side asks as the console does, over and over; the mark beside it is the time it may take.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import text

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, percentile, share
from benchmarks.population import Population
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.stand import Shop, Stand
from loyalty.campaigns.queries.forecast import forecast
from loyalty.campaigns.queries.results import results
from loyalty.campaigns.rules.terms import GivePoints, Now, SendMessage, Terms
from loyalty.campaigns.service.drafting import create_campaign
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.segments.rules.conditions import EVERYBODY
from loyalty.stores.rules import EVERYTHING

MEMBERS, ENTRIES = 1_000_000, 3_000_000
"""A tenth of the entries are of purchases with an order."""
GOAL_MS, GOOD_MS = {"forecast": 2_000, "results": 5_000}, {"forecast": 5_000, "results": 10_000}
POINTS, HOLDOUT_PERCENT, SPENT_PERCENT = 20, 10, 30
TERMS = Terms(
    title="周年庆",
    audience=EVERYBODY,
    trigger=Now(),
    actions=(GivePoints(POINTS), SendMessage("周年庆", "积分已到账，退订请到消息设置。", ("subscription", "inbox"))),
    rules_text="每位会员一次，积分一年内有效。",
    holdout_percent=HOLDOUT_PERCENT,
)
AGO = timedelta(days=20)
"""Since when it has given; what members bought since then is compared."""


def _stage(stand: Stand, _pace: Pace) -> Sequence[Side]:
    shop = stand.shop("campaign", members=Population(count=MEMBERS, with_session=0, entries=ENTRIES))
    zone, at = shop.settings.time_zone, datetime.now(UTC)
    campaign_id = _reach_everybody(shop, at)
    ask = partial(
        forecast, terms=TERMS, at=at, zone=zone, vault=Vault(shop.settings.data_keys, shop.settings.index_key)
    )
    look = partial(results, campaign_id=campaign_id, scope=EVERYTHING, zone=zone)
    foreseen, came = run(shop.database, ask), run(shop.database, look)
    held_out = MEMBERS * HOLDOUT_PERCENT // 100
    if foreseen.audience != MEMBERS or came.total.entered != MEMBERS or came.total.held_out != held_out:
        raise BenchFailed("the campaign did not reach everybody")
    if came.total.points_used != (MEMBERS - held_out) * SPENT_PERCENT // 100 * POINTS or not came.total.purchases:
        raise BenchFailed(f"what members spent and bought is not seen: {came.total}")
    return [Side("forecast", partial(_measure, shop, ask)), Side("results", partial(_measure, shop, look))]


def _reach_everybody(shop: Shop, at: datetime) -> int:
    """Write a campaign that was begun some time ago and has given points to all but the holdout."""
    zone, given_at = shop.settings.time_zone, at - AGO
    campaign_id = run(
        shop.database,
        lambda session: create_campaign(session, terms=TERMS, actor=Actor("staff:1"), zone=zone, at=given_at),
    )
    values = {
        "campaign": campaign_id,
        "points": POINTS,
        "holdout": HOLDOUT_PERCENT,
        "spent": SPENT_PERCENT,
        "at": given_at,
    }
    with shop.database.engine.begin() as connection:
        for statement in _STATEMENTS:
            asked = text(statement)
            connection.execute(asked, {name: value for name, value in values.items() if name in asked.compile().params})
    shop.settle()
    return campaign_id


def _measure(shop: Shop, read: Callable[[Session], object], seconds: float) -> Sample:
    taken = list[float]()
    while sum(taken) < seconds:
        started_at = time.perf_counter()
        run(shop.database, read)
        taken.append(time.perf_counter() - started_at)
    taken.sort()
    p50_ms, p99_ms = (percentile(taken, part) * 1000 for part in (0.5, 0.99))
    return Sample(1000 / p50_ms, done=len(taken), p50_ms=p50_ms, p99_ms=p99_ms)


def _compare(samples: Samples) -> Sequence[Share]:
    return [_share(name, ours) for name, ours in samples.items()]


def _share(name: str, ours: Sequence[Sample]) -> Share:
    """Compare with what may be taken: the ratio is in parts of the goal."""
    mark = [Sample(1000 / GOAL_MS[name], done=0)] * len(ours)
    return share(f"campaign {name}", ours, mark, good=GOOD_MS[name] / GOAL_MS[name], goal=1, better="less")


_REFERENCE = "'campaign:' || :campaign || ':once:0'"
_STATEMENTS = (
    "UPDATE campaign_revisions SET published_at = :at, published_by = 'staff:2' WHERE campaign_id = :campaign",
    "UPDATE campaigns SET state = 'running', started_at = :at,"
    " revision_id = (SELECT id FROM campaign_revisions WHERE campaign_id = :campaign) WHERE id = :campaign",
    "INSERT INTO campaign_runs (campaign_id, revision_id, occurrence, planned_for_at, started_at)"
    " SELECT :campaign, revision_id, 'once', :at, :at FROM campaigns WHERE id = :campaign",
    "INSERT INTO campaign_entries (campaign_id, member_id, occurrence, run_id, revision_id, store_id, state, due_at,"
    " points, cost_fen, entered_at, done_at)"
    " SELECT :campaign, members.id, 'once', campaign_runs.id, revision_id, enrolled_store_id,"
    " CASE WHEN members.id % 100 < :holdout THEN 'held_out' ELSE 'done' END, :at,"
    " CASE WHEN members.id % 100 < :holdout THEN 0 ELSE :points END, 0, :at,"
    " CASE WHEN members.id % 100 < :holdout THEN NULL ELSE CAST(:at AS timestamptz) END"
    " FROM members, campaign_runs WHERE campaign_runs.campaign_id = :campaign",
    "INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference, actor,"
    " explanation, occurred_at, recorded_at, digest)"
    " SELECT member_id, nextval('ledger_entry_ids'), 1000, 'adjust', points, 500, 0,"
    f" {_REFERENCE}, 'system', '{{}}', :at, :at, sha256('c') FROM campaign_entries WHERE state = 'done'",
    "INSERT INTO lots (member_id, entry_id, points, remaining, opened_at, available_at, expires_at)"
    " SELECT member_id, id, points, points, :at, :at, CAST(:at AS timestamptz) + interval '1 year'"
    f" FROM ledger_entries WHERE reference = {_REFERENCE}",
    "INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference, actor,"
    " explanation, occurred_at, recorded_at, digest)"
    " SELECT member_id, nextval('ledger_entry_ids'), 1001, 'spend', -points, 500, 0, 's:' || id, 'system', '{}',"
    " :at, :at, sha256('s')"
    f" FROM ledger_entries WHERE reference = {_REFERENCE} AND member_id / 100 % 100 < :spent",
    "INSERT INTO draws (member_id, entry_id, lot_id, points)"
    " SELECT spent.member_id, spent.id, lots.id, lots.points FROM ledger_entries AS spent"
    " JOIN lots ON lots.member_id = spent.member_id AND 's:' || lots.entry_id = spent.reference"
    " WHERE spent.kind = 'spend' AND spent.sequence = 1001",
)

ROW = Row(
    name="campaign",
    title="a campaign for a million members: its forecast and its results, milliseconds",
    stage=_stage,
    compare=_compare,
)
