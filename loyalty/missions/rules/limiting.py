"""Limiting: which counters bound what a mission pays; they count by mission and not by revision."""

from collections.abc import Sequence

from loyalty.limits.rules import ALL, HOT_BUCKETS, TOTAL, Limit, LimitExhausted, member_entity
from loyalty.missions.rules.errors import MissionBudgetSpent, MissionMemberLimitReached
from loyalty.missions.rules.terms import Limits, PointsReward, Reward

POINTS_BUDGET, REWARDS_BUDGET, MEMBER_REWARDS = "points_budget", "rewards_budget", "member_rewards"
UNLIMITED = 10**15
"""The ceiling of what is not limited: it is counted all the same, so that what was paid is known."""


def limits_of(
    limits: Limits, reward: Reward, *, mission_id: int, member_id: int
) -> Sequence[tuple[Sequence[Limit], int]]:
    """Return the limits that a reward is counted in with how much of each, in the order of locking."""
    counted: list[tuple[Sequence[Limit], int]] = []
    if isinstance(reward, PointsReward):
        counted.append(([points_limit(limits, mission_id)], reward.points))
    counted.append(([member_limit(limits, mission_id, member_id), rewards_limit(limits, mission_id)], 1))
    return counted


def points_limit(limits: Limits, mission_id: int) -> Limit:
    """Return what bounds the points of a mission."""
    ceiling = UNLIMITED if limits.points_budget is None else limits.points_budget
    return Limit(f"mission:{mission_id}", ALL, TOTAL, ceiling, POINTS_BUDGET, HOT_BUCKETS)


def rewards_limit(limits: Limits, mission_id: int) -> Limit:
    """Return what bounds the number of a mission's rewards."""
    ceiling = UNLIMITED if limits.rewards_budget is None else limits.rewards_budget
    return Limit(f"mission_rewards:{mission_id}", ALL, TOTAL, ceiling, REWARDS_BUDGET, HOT_BUCKETS)


def member_limit(limits: Limits, mission_id: int, member_id: int) -> Limit:
    """Return what bounds the number of a mission's rewards to one member."""
    ceiling = UNLIMITED if limits.member_rewards is None else limits.member_rewards
    return Limit(f"mission_rewards:{mission_id}", member_entity(member_id), TOTAL, ceiling, MEMBER_REWARDS)


def refusal_of(exhausted: LimitExhausted) -> MissionBudgetSpent | MissionMemberLimitReached:
    """Return the refusal that a limit which was hit means for whoever wanted a reward."""
    is_own = exhausted.details["limit"] == MEMBER_REWARDS
    return (MissionMemberLimitReached if is_own else MissionBudgetSpent)(**exhausted.details)
