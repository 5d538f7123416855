"""Intervals (置信区间) that hold a true difference between two groups in 95 of 100 campaigns.

Shares: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
Medicine 17 (1998), method 10, from the score intervals of E. B. Wilson (1927). Means: B. L. Welch, Biometrika 34
(1947), with quantiles of Student's t by the expansion of Abramowitz and Stegun, 26.7.5.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
FREEDOM_LEAST = 29
"""With fewer degrees of freedom the expansion is no longer good to six digits, and money is too skewed anyway."""
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which bounds the truth lies; ``estimate`` is what was seen."""

    estimate: float
    low: float
    high: float

    @property
    def is_conclusive(self) -> bool:
        """Whether no difference at all is out of the question."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Sample:
    """The whole numbers of a group, as far as a mean needs them."""

    count: int
    total: int
    squares: int
    """The sum of their squares."""

    @property
    def mean(self) -> float:
        """Their mean."""
        return self.total / self.count

    @property
    def variance(self) -> float:
        """Their variance as one estimates it; reckoned in whole numbers, so that large sums lose nothing."""
        return (self.count * self.squares - self.total**2) / (self.count * (self.count - 1))


def wilson(hits: int, count: int) -> Interval:
    """Return the score interval of one share."""
    share, spread = hits / count, _Z**2 / count
    centre = share + spread / 2
    half = _Z * sqrt(share * (1 - share) / count + spread / (4 * count))
    low, high = (centre - half) / (1 + spread), (centre + half) / (1 + spread)
    # Of nobody or of everybody the bound is exact, which rounding would miss by a hair.
    return Interval(share, 0.0 if hits == 0 else low, 1.0 if hits == count else high)


def difference_of_shares(hits: int, count: int, other_hits: int, other_count: int) -> Interval:
    """Return by how much a share is above another, by Newcombe's hybrid score."""
    one, other = wilson(hits, count), wilson(other_hits, other_count)
    estimate = one.estimate - other.estimate
    below = sqrt((one.estimate - one.low) ** 2 + (other.high - other.estimate) ** 2)
    above = sqrt((one.high - one.estimate) ** 2 + (other.estimate - other.low) ** 2)
    return Interval(estimate, estimate - below, estimate + above)


def difference_of_means(one: Sample, other: Sample) -> Interval:
    """Return by how much a mean is above another, by Welch, whose groups may scatter differently.

    Raises:
        ValueError: a group has so few members that the interval would pretend.
    """
    if min(one.count, other.count) <= FREEDOM_LEAST:
        raise ValueError(f"more than {FREEDOM_LEAST} in each group")
    estimate = one.mean - other.mean
    parts = [(sample.variance / sample.count, sample.count - 1) for sample in (one, other)]
    error = sum(part for part, _freedom in parts)
    if error == 0:
        return Interval(estimate, estimate, estimate)
    freedom = error**2 / sum(part**2 / freedom for part, freedom in parts)
    half = _student(freedom) * sqrt(error)
    return Interval(estimate, estimate - half, estimate + half)


def _student(freedom: float) -> float:
    """Return the quantile of Student's t that the confidence asks for."""
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
