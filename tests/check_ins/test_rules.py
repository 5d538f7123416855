from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.check_ins.rules import (
    CYCLE_DAYS_MAX,
    DEFAULT_PLAN,
    POINTS_PER_DAY_MAX,
    InvalidPlan,
    Plan,
    award,
    check_plan,
    days_after,
    month_of,
    next_streak,
)

points = st.integers(0, POINTS_PER_DAY_MAX)


@st.composite
def saveable_plans(draw: st.DrawFn) -> Plan:
    by_day = draw(st.lists(points, min_size=1, max_size=60).filter(any))
    bonus = draw(st.dictionaries(st.integers(1, len(by_day)), points))
    return Plan(tuple(by_day), bonus, growth=draw(points), valid_days=draw(st.none() | st.integers(0, 3660)))


class TestAward:
    @settings(deadline=None)
    @given(saveable_plans(), st.integers(1, 10_000))
    def test_can_be_reckoned_for_every_day_of_every_plan_that_may_be_saved(self, plan: Plan, streak: int) -> None:
        check_plan(plan)

        paid = award(plan, streak)

        assert 1 <= paid.cycle_day <= plan.cycle_days
        assert 0 <= paid.points <= 2 * POINTS_PER_DAY_MAX

    @settings(deadline=None)
    @given(saveable_plans(), st.integers(1, 1_000))
    def test_repeats_itself_with_each_cycle(self, plan: Plan, streak: int) -> None:
        assert award(plan, streak).points == award(plan, streak + plan.cycle_days).points

    def test_of_the_plan_to_begin_with_pays_a_bonus_on_the_seventh_day(self) -> None:
        check_plan(DEFAULT_PLAN)

        assert [award(DEFAULT_PLAN, streak).points for streak in range(1, 9)] == [5, 5, 5, 10, 10, 10, 30, 5]


class TestNextStreak:
    @pytest.mark.parametrize(("yesterday", "expected"), [(None, 1), (1, 2), (400, 401)])
    def test_is_one_more_than_yesterdays_or_one(self, yesterday: int | None, expected: int) -> None:
        assert next_streak(yesterday) == expected


class TestCheckPlan:
    @pytest.mark.parametrize(
        ("plan", "field"),
        [
            (Plan(points_by_day=()), "points_by_day"),
            (Plan(points_by_day=(1,) * (CYCLE_DAYS_MAX + 1)), "points_by_day"),
            (Plan(points_by_day=(0, 0)), "points_by_day"),
            (Plan(points_by_day=(1, -1)), "points_by_day"),
            (Plan(points_by_day=(POINTS_PER_DAY_MAX + 1,)), "points_by_day"),
            (Plan(points_by_day=(True,)), "points_by_day"),
            (Plan(points_by_day=(1.5,)), "points_by_day"),  # type: ignore[arg-type]
            (Plan(points_by_day=("7",)), "points_by_day"),  # type: ignore[arg-type]
            (Plan(points_by_day=(1, 1), bonus_by_day={3: 5}), "bonus_by_day"),
            (Plan(points_by_day=(1, 1), bonus_by_day={0: 5}), "bonus_by_day"),
            (Plan(points_by_day=(1, 1), bonus_by_day={2: -5}), "bonus_by_day"),
            (Plan(points_by_day=(1,), growth=-1), "growth"),
            (Plan(points_by_day=(1,), valid_days=-1), "valid_days"),
            (Plan(points_by_day=(1,), valid_days=100_000), "valid_days"),
        ],
    )
    def test_refuses_what_could_not_be_paid_as_it_reads(self, plan: Plan, field: str) -> None:
        with pytest.raises(InvalidPlan) as refusal:
            check_plan(plan)

        assert refusal.value.details["field"] == field

    def test_accepts_days_without_points_beside_days_with(self) -> None:
        check_plan(Plan(points_by_day=(0, 0, 0), bonus_by_day={3: 10}))


class TestMonthOf:
    @pytest.mark.parametrize(
        ("day", "first", "after_last"),
        [
            (date(2026, 3, 31), date(2026, 3, 1), date(2026, 4, 1)),
            (date(2026, 12, 1), date(2026, 12, 1), date(2027, 1, 1)),
            (date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
            (date(2026, 1, 31), date(2026, 1, 1), date(2026, 2, 1)),
        ],
    )
    def test_returns_its_first_day_and_that_of_the_next(self, day: date, first: date, after_last: date) -> None:
        assert month_of(day) == (first, after_last)


class TestDaysAfter:
    def test_begins_with_the_day_itself(self) -> None:
        assert days_after(date(2026, 2, 28), 2) == [date(2026, 2, 28), date(2026, 3, 1)]
