"""Figures of a measurement: medians, spread, percentiles, and the shares of a limit."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Better = Literal["more", "less"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What one side did in one round."""

    per_second: float
    done: int
    errors: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    python_us: float | None = None
    """Processor time of the web server for each request."""
    postgres_us: float | None = None
    """Processor time of the database server for each request."""
    memory_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """How one side does beside another, over all rounds."""

    name: str
    ours: float
    limit: float
    ratio: float
    lowest: float
    highest: float
    good: float | None
    goal: float | None
    better: Better
    errors: int
    details: dict[str, float] = field(default_factory=dict)
    """Medians of ours: percentiles, processor time, memory."""

    @property
    def verdict(self) -> str:
        """Whether the ratio reaches what is asked for."""
        if self.goal is None or self.good is None:
            return ""
        if self._reaches(self.goal):
            return "goal"
        return "good" if self._reaches(self.good) else "below"

    def _reaches(self, mark: float) -> bool:
        return self.ratio >= mark if self.better == "more" else self.ratio <= mark


def share(
    name: str,
    ours: Sequence[Sample],
    limit: Sequence[Sample],
    *,
    good: float | None = None,
    goal: float | None = None,
    better: Better = "more",
) -> Share:
    """Compare two sides round by round, so that each ratio comes from neighbouring seconds.

    ``less`` compares costs: the ratio is how many times the time of the limit ours took.
    """
    pairs = zip(ours, limit, strict=True)
    ratios = [_ratio(our.per_second, bound.per_second, better) for our, bound in pairs]
    return Share(
        name=name,
        ours=_median([sample.per_second for sample in ours]),
        limit=_median([sample.per_second for sample in limit]),
        ratio=_median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        good=good,
        goal=goal,
        better=better,
        errors=sum(sample.errors for sample in ours),
        details=_details(ours),
    )


def in_turn(first: Sequence[Sample], second: Sequence[Sample]) -> list[Sample]:
    """Return what doing one thing after the other would reach: H = 1 / (1/P + 1/F), round by round."""
    return [
        Sample(per_second=1 / (1 / one.per_second + 1 / other.per_second), done=0)
        for one, other in zip(first, second, strict=True)
    ]


def percentile(sorted_values: Sequence[float], share_below: float) -> float:
    """Return the value below which that share of the values lies (nearest rank); 0 when there is none."""
    if not sorted_values:
        return 0.0
    rank = max(1, -int(-share_below * len(sorted_values) // 1))
    return sorted_values[min(rank, len(sorted_values)) - 1]


def _ratio(ours: float, limit: float, better: Better) -> float:
    numerator, denominator = (ours, limit) if better == "more" else (limit, ours)
    return numerator / denominator if denominator else 0.0


def _details(samples: Sequence[Sample]) -> dict[str, float]:
    names = ("p50_ms", "p99_ms", "python_us", "postgres_us", "memory_mb")
    columns = {name: [value for sample in samples if (value := getattr(sample, name)) is not None] for name in names}
    return {name: _median(values) for name, values in columns.items() if values}


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))
