"""Who lives through the proof, and what was done that may still be undone."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional

from tests.proofs.oracle import Draws, OracleAccount, OracleEntry
from tests.proofs.oracle_orders import OracleOrder


@dataclass(eq=False)
class Person:
    """A member as the oracle knows it, until it turns out to be another one."""

    id: int
    number: str
    account: OracleAccount = field(default_factory=OracleAccount)
    beside: int = 0
    """What everything but purchases and expiry came to."""
    survivor: Optional["Person"] = None

    @property
    def owner(self) -> "Person":
        """Who this is by now."""
        return self.survivor or self


@dataclass(eq=False)
class Bought:
    """A purchase with its number, and what is left of its lines."""

    number: str
    order: OracleOrder
    left: list[int]


@dataclass(eq=False)
class Spent:
    """A spend with its entry, and what is still drawn."""

    person: Person
    entry_id: int
    left: int
    draws: Draws


@dataclass(eq=False)
class Held:
    """A hold, until it is settled or its time runs out."""

    person: Person
    reference: str
    expires_at: datetime
    points: int
    draws: Draws
    is_open: bool = True


@dataclass(eq=False)
class BatchLine:
    """What a line of a batch gives or takes, and what came of it once the batch was applied."""

    named: Person
    points: int
    applied_to: Person | None = None
    given: OracleEntry | None = None
    drawn: Draws = field(default_factory=list)


@dataclass(eq=False)
class Batch:
    """A batch of adjustments with its lines, in the order of the file."""

    id: int
    expires_at: datetime | None
    lines: list[BatchLine]
