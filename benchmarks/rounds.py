"""Rounds: the sides of a row take turns, each time in another order, after a round that warms up and does not count."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Sample, Share
from benchmarks.stand import Stand

WARM_UP_SECONDS = 1.5

Samples = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True)
class Pace:
    """How long and how hard is measured; ``is_full`` where a row has a reduced and a full size."""

    rounds: int = 5
    seconds: float = 3.0
    clients: int = 16
    is_full: bool = False


@dataclass(frozen=True)
class Side:
    """One of those that are measured beside each other."""

    name: str
    measure: Callable[[float], Sample]
    """Work for so many seconds.

    Raises:
        BenchFailed: the books do not show exactly what was answered.
    """


@dataclass(frozen=True)
class Row:
    """One row of the bench."""

    name: str
    title: str
    stage: Callable[[Stand, Pace], Sequence[Side]]
    """Set up what is measured and return the sides."""
    compare: Callable[[Samples], Sequence[Share]]
    """Reckon the shares from the samples of all sides, by their names."""
    finish: Callable[[Stand], None] | None = None
    """Look at the books as a whole when all rounds are over."""


def measure(row: Row, stand: Stand, pace: Pace, *, tell: Callable[[str], None]) -> Sequence[Share]:
    """Measure a row.

    Raises:
        BenchFailed: the figures would be worth nothing.
    """
    sides = row.stage(stand, pace)
    for side in sides:
        side.measure(min(WARM_UP_SECONDS, pace.seconds))
    samples: dict[str, list[Sample]] = {side.name: [] for side in sides}
    for number in range(pace.rounds):
        for side in in_order(sides, number):
            samples[side.name].append(side.measure(pace.seconds))
        told = " · ".join(f"{name} {_told(taken[-1])}" for name, taken in samples.items())
        tell(f"  round {number + 1}: {told}")
    if row.finish is not None:
        row.finish(stand)
    return row.compare(samples)


def in_order(sides: Sequence[Side], number: int) -> list[Side]:
    """Return the sides beginning with another one each round."""
    start = number % len(sides)
    return [*sides[start:], *sides[:start]]


def _told(sample: Sample) -> str:
    spent = [f"{us:.0f} µs {what}" for what, us in (("python", sample.python_us), ("pg", sample.postgres_us)) if us]
    return f"{sample.per_second:,.0f}/s" + (f" ({', '.join(spent)})" if spent else "")
