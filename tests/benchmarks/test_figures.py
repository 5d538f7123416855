import pytest

from benchmarks.figures import Sample, in_turn, percentile, share


def samples(*rates: float, **more: float) -> list[Sample]:
    return [Sample(per_second=rate, done=int(rate), **more) for rate in rates]  # type: ignore[arg-type]


class TestShare:
    def test_is_the_median_of_the_ratios_of_neighbouring_rounds(self) -> None:
        found = share("row", samples(10, 30, 60), samples(100, 100, 100))

        assert (found.ratio, found.lowest, found.highest) == (0.3, 0.1, 0.6)
        assert (found.ours, found.limit) == (30, 100)

    def test_a_slow_minute_that_meets_both_sides_changes_nothing(self) -> None:
        found = share("row", samples(40, 4, 40), samples(100, 10, 100))

        assert (found.lowest, found.highest) == (0.4, 0.4)

    @pytest.mark.parametrize(("ours", "verdict"), [(44, "good"), (45, "goal"), (29, "below")])
    def test_is_judged_by_what_is_asked_for(self, ours: float, verdict: str) -> None:
        assert share("row", samples(ours), samples(100), good=0.30, goal=0.45).verdict == verdict

    @pytest.mark.parametrize(("many", "verdict"), [(95, "goal"), (80, "good"), (50, "below")])
    def test_of_costs_is_better_the_less_it_is(self, many: float, verdict: str) -> None:
        found = share("growth", samples(many), samples(100), good=1.3, goal=1.1, better="less")

        assert found.ratio == 100 / many
        assert found.verdict == verdict

    def test_without_a_goal_has_no_verdict(self) -> None:
        assert share("row", samples(1), samples(1)).verdict == ""

    def test_counts_all_errors_and_takes_medians_of_the_rest(self) -> None:
        ours = [Sample(10, 10, errors=1, p99_ms=5.0), Sample(10, 10, errors=2, p99_ms=7.0)]

        found = share("row", ours, samples(10, 10))

        assert found.errors == 3
        assert found.details == {"p99_ms": 6.0}

    def test_refuses_sides_that_did_not_run_the_same_rounds(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            share("row", samples(1, 2), samples(1))


def test_one_thing_after_the_other_takes_the_time_of_both() -> None:
    (both,) = in_turn(samples(100), samples(300))

    assert both.per_second == pytest.approx(75)


@pytest.mark.parametrize(("share_below", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_measured(share_below: float, value: int) -> None:
    assert percentile(range(1, 101), share_below) == value


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 0.5) == 0.0
