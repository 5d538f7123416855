"""Sending payouts (打款) by one worker, beside the bare calls to the platform and beside the platform's rate limit.

The platform takes 100 calls of an interface in a second: a worker that comes near it needs no second one.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, share
from benchmarks.paying import PEOPLE, Platform, ask_for, orders_of, platform_for, require_offered
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.stand import Shop, Stand
from jobs import payouts
from loyalty.gateways.pay_protocols import TransferState

RATE_LIMIT = 100
"""Calls a second of an interface. Source: WeChat Pay, 商家转账, 接口规则."""
A_ROUND = 120
_BY_PLATFORM = Sample(RATE_LIMIT, done=RATE_LIMIT)


def _stage(stand: Stand, _pace: Pace) -> Sequence[Side]:
    shop = stand.shop("payouts", members=Members(count=PEOPLE, with_session=0))
    platform = stand.keep(platform_for(stand, shop))
    return [
        Side("payouts", partial(_measure, platform, partial(_send, shop, platform))),
        Side("calls", partial(_measure, platform, partial(_call, platform))),
    ]


def _measure(platform: Platform, prepare: Callable[[], Callable[[], None]], _seconds: float) -> Sample:
    work = prepare()
    started_at = time.perf_counter()
    work()
    seconds = time.perf_counter() - started_at
    platform.close_bills()
    return Sample(A_ROUND / seconds, done=A_ROUND)


def _send(shop: Shop, platform: Platform) -> Callable[[], None]:
    payout_ids = ask_for(platform, A_ROUND)
    shop.analyze()

    def send() -> None:
        for payout_id in payout_ids:
            payouts.take_steps(platform.container, {"payout_id": payout_id}, platform.container.clock.now())
        require_offered(shop, payout_ids)

    return send


def _call(platform: Platform) -> Callable[[], None]:
    orders = orders_of(platform, A_ROUND)
    pay = platform.container.pay
    assert pay is not None, "the stand has a merchant"

    def call() -> None:
        answers = [pay.create_transfer(order) for order in orders]
        if any(answer.state is not TransferState.WAIT_USER_CONFIRM for answer in answers):
            raise BenchFailed(f"the platform answered {answers[0]}")

    return call


def _compare(samples: Samples) -> Sequence[Share]:
    sent = samples["payouts"]
    return [
        share("payouts by one worker against the bare calls", sent, samples["calls"]),
        share("payouts by one worker against the platform's rate limit", sent, [_BY_PLATFORM] * len(sent)),
    ]


ROW = Row(name="payouts", title="payouts sent a second by one worker", stage=_stage, compare=_compare)
