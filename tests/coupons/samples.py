"""Terms that tests read, check and tell: the plainest, one in which nothing is left out, and a gift."""

from dataclasses import replace
from datetime import UTC, date, datetime

from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    Claiming,
    DaysFromIssue,
    Eligibility,
    FixedDates,
    Gift,
    MemberLimits,
    PercentOff,
    RefundPolicy,
    Scope,
    Stacking,
    Stock,
    Terms,
    Windows,
)
from loyalty.kernel.local_time import Hours

PLAIN = Terms(title="新人券", worth=CashOff(2_000), validity=DaysFromIssue(7), threshold_fen=10_000)
FULL = Terms(
    title="午市饮品券",
    worth=PercentOff(15, 5_005),
    validity=FixedDates(date(2026, 3, 1), date(2026, 3, 31)),
    threshold_fen=10_050,
    scope=Scope(
        included_nodes=frozenset({10}),
        excluded_nodes=frozenset({21}),
        channels=frozenset({"小程序"}),
        skus=frozenset({"拿铁", "美式"}),
        categories=frozenset({"茶饮"}),
        excluded_skus=frozenset({"特调"}),
        excluded_categories=frozenset({"酒"}),
    ),
    windows=Windows(weekdays=frozenset({1, 2, 3, 4, 5}), hours=(Hours(660, 840), Hours(1_320, 60))),
    stock=Stock(per_day=1_000, per_store=50),
    member_limits=MemberLimits(total=3, per_day=1),
    eligibility=Eligibility(tier_levels=frozenset({3}), tags=frozenset({7, 8})),
    claiming=Claiming(
        is_in_centre=True,
        opens_at=datetime(2026, 3, 1, 2, 0, tzinfo=UTC),
        closes_at=datetime(2026, 3, 20, 15, 59, tzinfo=UTC),
        points_price=1_200,
    ),
    stacking=Stacking(is_exclusive=False, group="饮品"),
    bonus=(BonusStep(3, 100), BonusStep(7, 50)),
    refund=RefundPolicy.FORFEIT,
    refund_grace_days=0,
    reminder_days=None,
    description="不可兑换现金",
    picture="0123456789abcdef",
)
FREE_TEA = replace(PLAIN, worth=Gift("茶一杯"), threshold_fen=0)
