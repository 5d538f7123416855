"""Reckoning within caps and stock, against giving one by one."""

import random

from loyalty.campaigns.rules.costs import Cost, cost_of
from loyalty.campaigns.rules.reckoning import given_to
from loyalty.campaigns.rules.terms import Caps, GiveCoupon
from loyalty.coupons.rules.terms import CashOff, FixedPrice, Gift, PercentOff
from tests.factories.coupons import terms_of


class TestReckoning:
    def test_within_caps_is_what_giving_one_by_one_comes_to(self) -> None:
        chance = random.Random(7)
        for _ in range(300):
            cost = Cost(chance.choice([0, 3, 10]), chance.choice([0, 1, 2]), chance.choice([0, 5]), 0)
            caps = Caps(
                points=chance.choice([None, 25, 40]), coupons=chance.choice([None, 5]),
                fen=chance.choice([None, 23]), members=chance.choice([None, 4]),
            )  # fmt: skip
            members, times = chance.randrange(9), chance.choice([1, 3])

            given = given_to(members, times=times, cost=cost, caps=caps, stock={1: 11} if cost.coupons else {})

            assert (given.entries, given.points) == one_by_one(members, times, cost, caps)

    def test_caps_nothing_that_is_not_given(self) -> None:
        given = given_to(9, times=1, cost=Cost(), caps=Caps(points=1, coupons=1, fen=1), stock={})

        assert (given.entries, given.fen) == (9, 0)

    def test_knows_the_most_that_each_kind_of_coupon_takes_off(self) -> None:
        worths = {1: CashOff(500), 2: PercentOff(10, 300), 3: PercentOff(10), 4: FixedPrice(990), 5: Gift("杯")}
        coupons = {one: terms_of(worth=worth) for one, worth in worths.items()}

        cost = cost_of([GiveCoupon(one) for one in (*worths, 1)], points_per_yuan=100, coupons=coupons)

        assert (cost.coupons, cost.coupons_fen, cost.uncosted) == (6, 1_300, frozenset({3, 4, 5}))


def one_by_one(members: int, times: int, cost: Cost, caps: Caps) -> tuple[int, int]:
    """Entries and points, as they come about when everybody takes part in turn."""
    entries = 0
    for _ in range(times):
        for _ in range(members if caps.members is None else min(members, caps.members)):
            totals = {"points": cost.points, "coupons": cost.coupons, "fen": cost.fen}
            fits = all(
                getattr(caps, name) is None or not once or (entries + 1) * once <= getattr(caps, name)
                for name, once in totals.items()
            )
            entries += fits and not (cost.coupons and entries >= 11)
    return entries, entries * cost.points
