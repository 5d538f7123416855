"""Tier rules: the ladder and its benefits, the period in which growth counts, what an evaluation decides.

Nothing here reads a table or a clock.
"""

from loyalty.tiers.rules.ladder import (
    DEFAULT_TIERS,
    GROWTH_MAX,
    LOWEST_LEVEL,
    NAME_BEFORE_ANY_TIER,
    ONE_TIME,
    Benefits,
    InvalidGrowth,
    InvalidTiers,
    Tier,
    check_growth,
    check_tiers,
)
from loyalty.tiers.rules.policies import DEFAULT_POLICY, InvalidTierPolicy, Period, Policy, check_policy, sentence
from loyalty.tiers.rules.standings import (
    CAUSE_SENTENCES,
    InvalidManualLevel,
    NoManualLevel,
    Standing,
    TierChangeCause,
    Verdict,
    check_manual_level,
    judge,
)

__all__ = [
    "CAUSE_SENTENCES",
    "DEFAULT_POLICY",
    "DEFAULT_TIERS",
    "GROWTH_MAX",
    "LOWEST_LEVEL",
    "NAME_BEFORE_ANY_TIER",
    "ONE_TIME",
    "Benefits",
    "InvalidGrowth",
    "InvalidManualLevel",
    "InvalidTierPolicy",
    "InvalidTiers",
    "NoManualLevel",
    "Period",
    "Policy",
    "Standing",
    "Tier",
    "TierChangeCause",
    "Verdict",
    "check_growth",
    "check_manual_level",
    "check_policy",
    "check_tiers",
    "judge",
    "sentence",
]
