"""Check-in rules: what a day of the streak pays, and which plans may be saved.

A streak counts days without a gap and never resets while it lasts; its place in the plan's cycle starts anew after
each cycle. Preview and award are the same function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound

CYCLE_DAYS_MAX = 366
POINTS_PER_DAY_MAX = 10_000
VALID_DAYS_MAX = 3_660
IDEMPOTENCY_KEY_LENGTH_MAX = 200


class InvalidPlan(InvalidInput):
    """A check-in plan that could not be paid as it reads; ``details`` say which field and why."""

    code = "invalid_check_in_plan"
    message = "签到方案不正确"


class PlanStartsInPast(InvalidInput):
    """A plan may not change what days already gone were worth."""

    code = "check_in_plan_starts_in_past"
    message = "签到方案的生效日期不能早于今天"


class NoCheckInPlan(Conflict):
    """Headquarters has not started check-ins yet."""

    code = "no_check_in_plan"
    message = "签到活动尚未开始"


class AlreadyCheckedIn(Conflict):
    """The member has checked in today; ``details`` hold today's result."""

    code = "already_checked_in"
    message = "今天已经签到过了"


class InvalidIdempotencyKey(InvalidInput):
    """The key is empty, too long or holds characters other than printable ASCII."""

    code = "invalid_idempotency_key"
    message = "请求标识不正确"


class CheckInStoreNotFound(NotFound):
    """The store given with a check-in does not exist."""

    code = "check_in_store_not_found"
    message = "没有找到该门店"


@dataclass(frozen=True, slots=True)
class Plan:
    """What check-ins pay (签到方案): the base of each day of the cycle, and bonuses on some days of it."""

    points_by_day: tuple[int, ...]
    """Base points of day 1, 2, … of the cycle; its length is the cycle's."""
    bonus_by_day: Mapping[int, int] = field(default_factory=dict)
    """Extra points on some days of the cycle, counted from 1."""
    growth: int = 0
    """Growth (成长值) that each check-in brings."""
    valid_days: int | None = None
    """How many business dates after that of the check-in its points still live; for ever when empty."""

    @property
    def cycle_days(self) -> int:
        """How many days the cycle has."""
        return len(self.points_by_day)


@dataclass(frozen=True, slots=True)
class Award:
    """What one check-in pays."""

    streak: int
    cycle_day: int
    base: int
    bonus: int
    growth: int

    @property
    def points(self) -> int:
        """Base and bonus together."""
        return self.base + self.bonus


DEFAULT_PLAN = Plan(points_by_day=(5, 5, 5, 10, 10, 10, 10), bonus_by_day={7: 20}, growth=1, valid_days=365)
"""A plan to begin with: a week's cycle that pays more from the fourth day and a bonus on the seventh."""


def next_streak(streak_of_yesterday: int | None) -> int:
    """Return the streak that a check-in reaches: one more than yesterday's, or 1 when there was none yesterday."""
    return (streak_of_yesterday or 0) + 1


def award(plan: Plan, streak: int) -> Award:
    """Return what the check-in that reaches ``streak`` days pays."""
    cycle_day = (streak - 1) % plan.cycle_days + 1
    return Award(
        streak=streak,
        cycle_day=cycle_day,
        base=plan.points_by_day[cycle_day - 1],
        bonus=plan.bonus_by_day.get(cycle_day, 0),
        growth=plan.growth,
    )


def cycle(plan: Plan) -> Sequence[Award]:
    """Return what each day of a plan's cycle pays."""
    return [award(plan, streak) for streak in range(1, plan.cycle_days + 1)]


def check_plan(plan: Plan) -> None:
    """Refuse a plan that could not be paid as it reads, by paying every day of two cycles.

    Raises:
        InvalidPlan: with the field and the reason of the first thing wrong.
    """
    _require(1 <= plan.cycle_days <= CYCLE_DAYS_MAX, "points_by_day", f"周期须为 1 到 {CYCLE_DAYS_MAX} 天")
    for day in plan.bonus_by_day:
        _require(_is_within(day, 1, plan.cycle_days), "bonus_by_day", f"第 {day} 天不在周期内")
    _require(_is_within(plan.growth, 0, POINTS_PER_DAY_MAX), "growth", f"成长值须为 0 到 {POINTS_PER_DAY_MAX}")
    if plan.valid_days is not None:
        _require(_is_within(plan.valid_days, 0, VALID_DAYS_MAX), "valid_days", f"有效天数须为 0 到 {VALID_DAYS_MAX}")
    for streak in range(1, 2 * plan.cycle_days + 1):
        paid = award(plan, streak)
        told = f"第 {paid.cycle_day} 天的积分须为 0 到 {POINTS_PER_DAY_MAX}"
        _require(_is_within(paid.base, 0, POINTS_PER_DAY_MAX), "points_by_day", told)
        _require(_is_within(paid.bonus, 0, POINTS_PER_DAY_MAX), "bonus_by_day", told)
    _require(any((*plan.points_by_day, *plan.bonus_by_day.values())), "points_by_day", "至少有一天要发积分")


def _require(is_right: bool, field_name: str, reason: str) -> None:
    if not is_right:
        raise InvalidPlan(field=field_name, reason=reason)


def check_idempotency_key(key: str | None) -> None:
    """Refuse a key that could not be stored and found again.

    Raises:
        InvalidIdempotencyKey: it is empty, too long or not printable ASCII.
    """
    if key is None:
        return
    if not 0 < len(key) <= IDEMPOTENCY_KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise InvalidIdempotencyKey


def month_of(day: date) -> tuple[date, date]:
    """Return the first day of a day's month, and of the month after."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def days_after(day: date, count: int) -> Sequence[date]:
    """Return ``count`` days from ``day`` on."""
    return [day + timedelta(days=offset) for offset in range(count)]


def _is_within(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
