"""Sources of facts: for each, who it is true of, as a statement or as a condition on the member's own row."""

from collections.abc import Callable, Mapping
from typing import Any

from loyalty.segments.rules import fact_types as types
from loyalty.segments.sources import marks, profile, purchases, reach, standing
from loyalty.segments.sources.parts import Asked, Source

_SOURCES: Mapping[type[Any], Callable[[Any, Asked], Source]] = {
    types.Enrolled: profile.enrolled,
    types.EnrolledStore: profile.enrolled_store,
    types.Birthday: profile.birthday,
    types.BirthdayMonth: profile.birthday_month,
    types.HasBirthday: profile.has_birthday,
    types.Activity: profile.activity,
    types.Tier: standing.tier,
    types.Growth: standing.growth,
    types.Balance: standing.balance,
    types.ExpiringPoints: standing.expiring_points,
    types.CheckInStreak: standing.check_in_streak,
    types.Recency: purchases.recency,
    types.NeverBought: purchases.never_bought,
    types.Frequency: purchases.frequency,
    types.Money: purchases.money,
    types.BoughtAt: purchases.bought_at,
    types.BoughtThrough: purchases.bought_through,
    types.BoughtGoods: purchases.bought_goods,
    types.CouponHeld: marks.coupon_held,
    types.CouponUsed: marks.coupon_used,
    types.Tags: marks.tags,
    types.Campaign: marks.campaign,
    types.BoundThrough: reach.bound_through,
    types.Following: reach.following,
    types.Reachable: reach.reachable,
}


def source_of(fact: types.Fact, asked: Asked) -> Source:
    """Return who a fact is true of."""
    return _SOURCES[type(fact)](fact, asked)
