"""Segments: how long it takes to count whom a condition finds among a million members, in milliseconds.

Each side asks one condition as the builder does, over and over; the mark beside it is the time it may take.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, percentile, share
from benchmarks.population import Population
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.stand import Shop, Stand
from loyalty.kernel.crypto import Vault
from loyalty.kernel.transaction import run
from loyalty.segments import queries
from loyalty.segments.rules.conditions import Condition, parse

MEMBERS = 1_000_000
GOAL_MS, GOOD_MS = 200, 1_000

_DORMANT = {"all": [{"fact": "recency", "days_least": 90}, {"fact": "tier", "levels": [3, 4, 5]}]}
_LATELY = {"fact": "frequency", "within_days": 30, "least": 1}
_BIRTHDAY = {"all": [{"fact": "birthday", "within_days": 7}, {"fact": "following"}]}
_GOODS = {"all": [{"fact": "bought_goods", "categories": ["C3"], "within_days": 90}, {"not": _LATELY}]}
_STORE = {"all": [{"fact": "bought_at", "store_ids": [7], "within_days": 90}, {"fact": "tags", "tag_ids": [2]}]}
_SPENDERS = {"fact": "money", "within_days": 365, "least_fen": 50_000}
_SAVERS = {"all": [{"fact": "balance", "least": 1_000}, {"fact": "expiring_points", "within_days": 30}]}
_MANY = {
    "all": [
        {"any": [{"fact": "tier", "levels": [4, 5]}, _SPENDERS, {"fact": "tags", "tag_ids": [1, 2]}]},
        {"not": {"any": [{"fact": "coupon_held"}, {"fact": "coupon_used", "within_days": 30}]}},
        {"fact": "reachable", "ways": ["subscription", "template"]},
        {"fact": "activity", "days_most": 180},
    ]
}
CONDITIONS: Mapping[str, Any] = {
    "everybody": {"all": []},
    "dormant": _DORMANT,
    "bought lately": _LATELY,
    "birthday": _BIRTHDAY,
    "goods": _GOODS,
    "store": _STORE,
    "spenders of a year": _SPENDERS,
    "savers": _SAVERS,
    "many at once": _MANY,
}


def _stage(stand: Stand, _pace: Pace) -> Sequence[Side]:
    shop = stand.shop("segment", members=Population(count=MEMBERS, with_session=0))
    return [Side(name, partial(_count, shop, parse(document))) for name, document in CONDITIONS.items()]


def _count(shop: Shop, condition: Condition, seconds: float) -> Sample:
    zone, vault = shop.settings.time_zone, Vault(shop.settings.data_keys, shop.settings.index_key)
    at, taken, counts = datetime.now(UTC), list[float](), set[int]()
    while sum(taken) < seconds:
        started_at = time.perf_counter()
        counts.add(
            run(
                shop.database,
                lambda session: queries.count(session, condition, at=at, zone=zone, vault=vault),
            )
        )
        taken.append(time.perf_counter() - started_at)
    if len(counts) != 1 or counts == {0}:
        raise BenchFailed(f"a condition was counted as {sorted(counts)}")
    taken.sort()
    p50_ms, p99_ms = (percentile(taken, part) * 1000 for part in (0.5, 0.99))
    return Sample(1000 / p50_ms, done=len(taken), p50_ms=p50_ms, p99_ms=p99_ms)


def _compare(samples: Samples) -> Sequence[Share]:
    return [_share(f"segment {name}", samples[name]) for name in CONDITIONS]


def _share(name: str, ours: Sequence[Sample]) -> Share:
    """Compare with what may be taken: the ratio is in parts of the goal."""
    mark = [Sample(1000 / GOAL_MS, done=0)] * len(ours)
    return share(name, ours, mark, good=GOOD_MS / GOAL_MS, goal=1, better="less")


ROW = Row(name="segment", title="counting a segment of a million members, milliseconds", stage=_stage, compare=_compare)
