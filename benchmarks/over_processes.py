"""Work of a service from a few processes, for members in turn, again and again."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.figures import Sample
from benchmarks.processes import PROCESSES, Turns, measure_processes
from benchmarks.stand import Shop


@dataclass
class ProcessSide:
    """Lets the processes of a module work, each by its turns and what is ``given``; ``check`` sees each round."""

    shop: Shop
    module: str
    given: Mapping[str, Any]
    members: int
    check: Callable[[Sample], None]
    _first: int = field(default=0, init=False)

    def measure(self, seconds: float) -> Sample:
        """Work for so many seconds."""
        plans = [self._plan(index, seconds) for index in range(PROCESSES)]
        sample = measure_processes(self.shop, self.module, plans, seconds=seconds)
        # The quickest process may have done all of them: no number comes twice.
        self._first += PROCESSES * sample.done
        self.check(sample)
        return sample

    def _plan(self, index: int, seconds: float) -> dict[str, Any]:
        turns = Turns(self.shop.environment["DATABASE_URL"], self._first + index, PROCESSES, self.members, seconds)
        return {"turns": asdict(turns), **self.given}
