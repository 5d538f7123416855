"""Intervals against a reference library, over many tables."""

import math
import random
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from loyalty.campaigns.rules.intervals import (
    FREEDOM_LEAST,
    Sample,
    difference_of_means,
    difference_of_shares,
    wilson,
)

TABLES = 1_000
counts = st.integers(1, 2_000_000)


def sample_of(values: list[int]) -> Sample:
    return Sample(len(values), sum(values), sum(value * value for value in values))


@given(count=counts, share=st.floats(0, 1))
def test_the_interval_of_a_share_is_the_library_s(count: int, share: float) -> None:
    hits = round(count * share)

    interval = wilson(hits, count)

    reference = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high), abs=1e-12)


@given(one=counts, other=counts, share=st.floats(0, 1), other_share=st.floats(0, 1))
def test_the_difference_of_shares_is_newcombe_s_of_the_library_s_intervals(
    one: int, other: int, share: float, other_share: float
) -> None:
    hits, other_hits = round(one * share), round(other * other_share)

    interval = difference_of_shares(hits, one, other_hits, other)

    a, b = (
        stats.binomtest(found, count).proportion_ci(method="wilson")
        for found, count in ((hits, one), (other_hits, other))
    )
    p, q = hits / one, other_hits / other
    assert interval.low == pytest.approx(p - q - math.hypot(p - a.low, b.high - q), abs=1e-12)
    assert interval.high == pytest.approx(p - q + math.hypot(a.high - p, q - b.low), abs=1e-12)
    assert -1 - 1e-12 <= interval.low <= interval.estimate <= interval.high <= 1 + 1e-12


def test_the_difference_of_shares_is_the_one_that_was_published() -> None:
    """Newcombe 1998, table II, method 10: 56/70 against 48/80, and 9/10 against 3/10."""
    many, few = difference_of_shares(56, 70, 48, 80), difference_of_shares(9, 10, 3, 10)

    assert (round(many.low, 4), round(many.high, 4)) == (0.0524, 0.3339)
    assert (round(few.low, 4), round(few.high, 4)) == (0.1705, 0.8090)


def test_the_difference_of_means_is_the_library_s_for_spendings_of_every_kind() -> None:
    chance = random.Random(20260310)
    for _ in range(TABLES):
        groups = [spendings(chance) for _group in range(2)]

        interval = difference_of_means(*(sample_of(group) for group in groups))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reference = stats.ttest_ind(*groups, equal_var=False).confidence_interval()
        if math.isnan(reference.low):
            assert interval.low == interval.high == interval.estimate, "nobody spent another sum"
            continue
        width = reference.high - reference.low
        assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high), abs=width * 1e-6)


def spendings(chance: random.Random) -> list[int]:
    """Fen that members spent: most nothing, the others by a skewed draw, in groups small and large."""
    buyers, typical, scatter = chance.random(), chance.uniform(2, 14), chance.uniform(0, 1.5)
    count = chance.choice([FREEDOM_LEAST + 1, 40, 100, 400])
    return [int(chance.lognormvariate(typical, scatter)) if chance.random() < buyers else 0 for _member in range(count)]


def test_large_sums_lose_nothing() -> None:
    far = 10**11
    near, away = [0, 1, 2] * 20, [far, far + 1, far + 2] * 20

    assert sample_of(away).variance == sample_of(near).variance


def test_a_handful_makes_no_interval_of_means() -> None:
    few = sample_of([1] * FREEDOM_LEAST)

    with pytest.raises(ValueError, match="more than"):
        difference_of_means(few, few)
