"""What purchases should earn and refunds take back, in plain Python: two rules, their cap and their budget."""

from dataclasses import dataclass, field

from tests.proofs.oracle import OracleEntry


@dataclass(frozen=True)
class OracleRules:
    """Two rules: points by the yuan up to a cap a day, and a gift from a threshold on out of a budget."""

    per_yuan: int
    cap: int
    gift: int
    threshold_fen: int


@dataclass(eq=False)
class OracleOrder:
    """A purchase and what stands of it; ``room`` is what its limits left where they cut it."""

    rules: OracleRules
    day: str
    lines: list[int]
    room: dict[str, int] = field(default_factory=dict)
    stands: dict[str, int] = field(default_factory=dict)
    entries: dict[str, OracleEntry] = field(default_factory=dict)
    growth: int = 0

    def due(self, lines: list[int]) -> dict[str, int]:
        """What the two rules pay for some lines, within the room of then."""
        total = sum(lines)
        base = total // 100 * self.rules.per_yuan
        gift = self.rules.gift if total >= self.rules.threshold_fen else 0
        return {name: min(points, self.room.get(name, points)) for name, points in (("base", base), ("gift", gift))}


@dataclass
class OracleLimits:
    """What is used of the cap of each day, and of the budget."""

    budget: int
    by_day: dict[str, int] = field(default_factory=dict)
    spent: int = 0

    def reserve(self, order: OracleOrder) -> None:
        due = order.due(order.lines)
        left = {
            "base": max(0, order.rules.cap - self.by_day.get(order.day, 0)),
            "gift": max(0, self.budget - self.spent),
        }
        order.room = {name: left[name] for name, points in due.items() if points > left[name]}
        order.stands = order.due(order.lines)
        self._use(order.day, order.stands)

    def give_back(self, day: str, lost: dict[str, int]) -> None:
        self._use(day, {name: -points for name, points in lost.items()})

    def _use(self, day: str, points: dict[str, int]) -> None:
        self.by_day[day] = self.by_day.get(day, 0) + points["base"]
        self.spent += points["gift"]
