"""Campaigns of chance against an oracle that gives to one member after another."""

from dataclasses import dataclass
from random import Random

import pytest
from sqlalchemy.orm import Session

from loyalty.campaigns.rules.holdout import is_held_out
from loyalty.campaigns.rules.terms import Caps, GiveCoupon, GivePoints, Terms
from loyalty.coupons.rules.terms import MemberLimits
from tests.factories.campaign_runs import entries_of, outcomes, put_in_force, tick
from tests.factories.campaigns import campaign_of, tag_with
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.support.containers import NullContainer
from tests.support.proof import size

pytestmark = pytest.mark.proof
OFF_FEN, POINTS_PER_YUAN = 2_000, 100
_TOTALS = ("coupons", "fen", "members", "points")
"""In the order in which their limits are taken."""


@dataclass
class Left:
    """What is left of every limit, as one who keeps it by hand would count."""

    totals: dict[str, int]
    stock: int

    def outcome(self, amounts: dict[str, int], *, has_coupon_already: bool) -> str:
        if has_coupon_already:
            return "coupon_limit"
        for name in _TOTALS:
            if amounts[name] > self.totals[name]:
                return f"{name}_total"
        if amounts["coupons"] > self.stock:
            return "coupon_stock"
        self.totals = {name: left - amounts[name] for name, left in self.totals.items()}
        self.stock -= amounts["coupons"]
        return "done"


@pytest.mark.parametrize("seed", range(size(reduced=8, full=200)))
def test_whatever_is_limited_comes_out_as_by_hand(container: NullContainer, session: Session, seed: int) -> None:
    chance = Random(seed)
    members = [make_member(session, phone=None).id for _ in range(chance.randint(1, 9))]
    stock, points = chance.randint(1, 9), chance.randint(1, 30)
    template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)), stock=stock + len(members))
    owning = [one for one in members if chance.random() < 0.3]
    for one in owning:
        issue_to(session, one, template_id)
    caps = {name: chance.choice([None, chance.randint(0, 9)]) for name in _TOTALS}
    per_member = {"coupons": 1, "fen": points + OFF_FEN, "members": 1, "points": points}
    capped = {name: None if cap is None else cap * per_member[name] + 1 for name, cap in caps.items()}
    terms: Terms = campaign_of(
        tag_with(session, *members),
        actions=(GivePoints(points, 30), GiveCoupon(template_id)),
        caps=Caps(**capped),  # type: ignore[arg-type]
        holdout_percent=chance.choice([0, 30]),
    )
    campaign_id = put_in_force(session, terms, at=container.clock.now())

    tick(container)

    left = Left({n: 10**9 if cap is None else cap for n, cap in capped.items()}, stock + len(members) - len(owning))
    expected = {
        one: "held_out"
        if is_held_out(campaign_id, one, terms.holdout_percent)
        else left.outcome(per_member, has_coupon_already=one in owning)
        for one in members
    }
    found = outcomes(session, campaign_id)
    # Who has the coupon already is turned away by it or, where nothing is left for anybody, by that.
    turned_away = {one for one in owning if expected[one] == "coupon_limit"}
    assert {one: found[one] for one in members if one not in turned_away} == {
        one: why for one, why in expected.items() if one not in turned_away
    }
    assert all(found[one] not in ("done", "held_out") for one in turned_away)
    assert sum(one.points for one in entries_of(session, campaign_id)) == points * list(found.values()).count("done")
