"""Sending broadcasts (推送任务) by one worker against the sandbox, beside the rate at which the platform may be called.

Claims, calls and settling together must leave the platform the bottleneck, so the worker is not paced here. After a
round its members' counts are cleared: caps are not what is measured.
"""

import time
from collections.abc import Sequence
from functools import partial

import psycopg

from benchmarks.broadcasting import EACH, PEOPLE, Audience, audience_for
from benchmarks.figures import Sample, Share, share
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from jobs.courier import Courier
from loyalty.broadcasts import service
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.notices.service import Accounts

RATE = PushPolicy().messages_a_second
"""Calls a second to one account until headquarters set another rate."""
UNPACED = 100_000
A_ROUND = PEOPLE * EACH
_BY_PLATFORM = Sample(RATE, done=RATE)


def _stage(stand: Stand, _pace: Pace) -> Sequence[Side]:
    shop = stand.shop("fan_out", members=Members(count=PEOPLE, with_session=0))
    audience = stand.keep(audience_for(stand, shop))
    return [Side("fan-out", partial(_measure, shop, audience))]


def _measure(shop: Shop, audience: Audience, _seconds: float) -> Sample:
    audience.grant()
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute("DELETE FROM marketing_counts")
    broadcast_ids = audience.broadcasts()
    container = audience.container
    accounts = Accounts(container.official_accounts, container.mini_programs)
    at, database, zone = audience.at, container.database, container.zone
    with Courier(accounts, a_second=UNPACED, public_base_url="http://127.0.0.1") as courier:
        started_at = time.perf_counter()
        for broadcast_id in broadcast_ids:
            while service.send_group(database, courier=courier, broadcast_id=broadcast_id, zone=zone, at=at):
                pass
        seconds = time.perf_counter() - started_at
    audience.require_sent(broadcast_ids)
    return Sample(A_ROUND / seconds, done=A_ROUND)


def _compare(samples: Samples) -> Sequence[Share]:
    sent = samples["fan-out"]
    mark = [_BY_PLATFORM] * len(sent)
    return [share("fan-out by one worker against the platform's rate", sent, mark, good=1, goal=4)]


ROW = Row(name="fan-out", title="messages of broadcasts sent a second by one worker", stage=_stage, compare=_compare)
