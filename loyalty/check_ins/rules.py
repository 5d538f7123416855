"""Check-in rules: what a day of the streak pays, and which plans may be saved.

A streak counts days without a gap and never resets while it lasts; its place in the plan's cycle starts anew after
each cycle. Preview and award are the same function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from loyalty.kernel.errors import Conflict, InvalidInput, LimitReached, NotFound

CYCLE_DAYS_MAX = 366
POINTS_PER_DAY_MAX = 10_000
VALID_DAYS_MAX = 3_660
IDEMPOTENCY_KEY_LENGTH_MAX = 200
DAYS_BACK_MAX = 31
CARD_PRICE_MAX = 1_000_000


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


class InvalidMakeUpPolicy(InvalidInput):
    """Rules of making up that could not be kept as they read; ``details`` say which field and why."""

    code = "invalid_make_up_policy"
    message = "补签规则不正确"


class MakeUpNotOffered(Conflict):
    """Days cannot be made up, or no cards are sold."""

    code = "make_up_not_offered"
    message = "暂未开放补签"


class MakeUpDayRefused(InvalidInput):
    """The day is not in the past, too long ago, or before anybody could check in."""

    code = "make_up_day_refused"
    message = "这一天不能补签"


class NoMakeUpCard(Conflict):
    """The member has no card left."""

    code = "no_make_up_card"
    message = "没有可用的补签卡"


class MakeUpLimitReached(LimitReached):
    """The member has made up, or bought, as many as one may in a month."""

    code = "make_up_limit_reached"
    message = "本月补签次数已用完"


class DayNotMissed(Conflict):
    """The member has checked in on that day, or made it up."""

    code = "day_not_missed"
    message = "这一天已经签到，不需要补签"


@dataclass(frozen=True, slots=True)
class MakeUpRules:
    """How missed days can be made up (补签规则): how long ago, how often, and what a card costs."""

    days_back: int
    """How many days ago a day may be; nothing can be made up when 0."""
    month_limit: int
    """How many days a member may make up in a calendar month, and how many cards buy."""
    card_price: int | None = None
    """What a card costs in points; None when none are sold."""


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


def check_make_up_rules(rules: MakeUpRules) -> None:
    """Refuse rules of making up that could not be kept as they read.

    Raises:
        InvalidMakeUpPolicy: with the field and the reason of the first thing wrong.
    """
    for name, value, low, high, label in (
        ("days_back", rules.days_back, 0, DAYS_BACK_MAX, "可补签的天数"),
        ("month_limit", rules.month_limit, 1, DAYS_BACK_MAX, "每人每月补签次数"),
        ("card_price", rules.card_price, 1, CARD_PRICE_MAX, "补签卡价格"),
    ):
        if value is not None and not _is_within(value, low, high):
            raise InvalidMakeUpPolicy(field=name, reason=f"{label}须为 {low} 到 {high:,}")


def days_to_make_up(rules: MakeUpRules, today: date, *, enrolled_on: date) -> Sequence[date]:
    """Return the days that may be made up today by who enrolled on a day, the earliest first."""
    first = max(enrolled_on, today - timedelta(days=rules.days_back))
    return days_after(first, (today - first).days)


def mended(streak_before: int, days: Sequence[tuple[date, int]]) -> Mapping[date, int]:
    """Return the streaks that change on days without a gap, given the streak of the day before the first of them.

    The run ends at the first gap; what comes after it does not depend on what comes before.
    """
    changed, streak = {}, streak_before
    for index, (day, known) in enumerate(days):
        if index and (day - days[index - 1][0]).days != 1:
            break
        streak = next_streak(streak)
        if known != streak:
            changed[day] = streak
    return changed


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
