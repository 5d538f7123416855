"""What a mission says (任务): the event, how it is measured and by when, its steps and rewards, as frozen data."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class MissionEvent(StrEnum):
    """What members are asked to do."""

    PHONE_BOUND = "phone_bound"
    PROFILE_COMPLETED = "profile_completed"
    CHECK_IN = "check_in"
    PURCHASE = "purchase"
    REVIEW = "review"
    INVITED_FRIEND = "invited_friend"
    """A friend who qualified: a different, real person who went on to enrol or to buy."""
    CUSTOM = "custom"
    """What another system reports; ``custom_kind`` says which."""


ONCE_IN_A_LIFE = frozenset({MissionEvent.PHONE_BOUND, MissionEvent.PROFILE_COMPLETED})
ONCE_A_DAY = frozenset({MissionEvent.CHECK_IN})


class Measure(StrEnum):
    """What of the events is counted."""

    TIMES = "times"
    AMOUNT = "amount"
    """What was paid in money, in fen; of purchases only."""
    DAYS = "days"
    """On how many different business dates."""
    STREAK = "streak"
    """The most business dates in a row."""


class Period(StrEnum):
    """How often a mission begins anew."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    """From Monday to Sunday."""


class MissionState(StrEnum):
    """Where a mission stands; its window is a matter of its terms."""

    DRAFT = "draft"
    """Never published."""
    LIVE = "live"
    PAUSED = "paused"
    """Goes on counting and pays nothing for the time being (暂停发放)."""
    STOPPED = "stopped"
    """Counts nothing that happens any more (停止); what was reached before can still be claimed for some days."""


@dataclass(frozen=True, slots=True)
class PointsReward:
    """Points, with the expiry of the programme."""

    points: int


@dataclass(frozen=True, slots=True)
class CouponReward:
    """One coupon of a template, within its own stock and limits."""

    template_id: int


@dataclass(frozen=True, slots=True)
class CardsReward:
    """Make-up cards (补签卡)."""

    cards: int


Reward = PointsReward | CouponReward | CardsReward


@dataclass(frozen=True, slots=True)
class Step:
    """How far one must come for a reward; its target names the step, also when others come or go."""

    target: int
    reward: Reward


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a mission pays; None for no limit."""

    points_budget: int | None = None
    """Points, to all members together."""
    rewards_budget: int | None = None
    """Rewards, to all members together."""
    member_rewards: int | None = None
    """Rewards, to one member in all periods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one revision of a mission says. Event, measure and period stay the same in all revisions."""

    title: str
    event: MissionEvent
    steps: tuple[Step, ...]
    description: str = ""
    custom_kind: str | None = None
    measure: Measure = Measure.TIMES
    period: Period = Period.ONCE
    minimum_amount_fen: int = 0
    """What a purchase must have paid in money to count."""
    tier_levels: frozenset[int] = frozenset()
    """Whose events count; everybody's when empty."""
    is_claimed_by_hand: bool = False
    """Whether members claim what they reached (手动领取), or get it at once."""
    starts_at: datetime | None = None
    """The first publication when empty, and never before it."""
    ends_at: datetime | None = None
    limits: Limits = field(default_factory=Limits)

    def step_at(self, target: int) -> Step | None:
        """Return the step with a target, if there is one."""
        return next((step for step in self.steps if step.target == target), None)
