"""What was done in a life that may still be undone."""

from datetime import datetime

from tests.proofs.oracle import Draws, OracleOrder


class Bought:
    """A purchase with its number, and what is left of its lines."""

    def __init__(self, number: str, order: OracleOrder) -> None:
        self.number, self.order, self.left = number, order, list(order.lines)


class Spent:
    """A spend with its entry, and what is still drawn."""

    def __init__(self, entry_id: int, points: int, draws: Draws) -> None:
        self.entry_id, self.left, self.draws = entry_id, points, draws


class Held:
    """A hold, until its time runs out."""

    def __init__(self, reference: str, expires_at: datetime, points: int, draws: Draws) -> None:
        self.reference, self.expires_at, self.points, self.draws = reference, expires_at, points, draws
        self.is_open = True
