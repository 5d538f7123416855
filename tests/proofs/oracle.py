"""What one member's points should be, in plain Python: written as people tell the rules, not from the code."""

from dataclasses import dataclass, field
from datetime import datetime

Draws = list[tuple["OracleLot", int]]
GRACES_MAX = 2


@dataclass(eq=False)
class OracleEntry:
    """A credit: what of it was booked out as expired, and how much of that refunds have counted."""

    expired: int = 0
    counted: int = 0


@dataclass(eq=False)
class OracleLot:
    number: int
    entry: OracleEntry
    remaining: int
    opened_at: datetime
    expires_at: datetime | None
    held: int = 0
    graces: int = 0
    origin: OracleEntry | None = None
    """What gave it first, before merges moved it."""

    @property
    def free(self) -> int:
        return self.remaining - self.held

    def lives(self, at: datetime) -> bool:
        return self.expires_at is None or self.expires_at > at

    @property
    def turn(self) -> tuple[bool, float, datetime, int]:
        """Soonest expiry first, then the oldest."""
        soonest = self.expires_at.timestamp() if self.expires_at else 0.0
        return self.expires_at is None, soonest, self.opened_at, self.number


class NotEnough(Exception):
    """The member cannot spend that much."""


@dataclass
class OracleAccount:
    lots: list[OracleLot] = field(default_factory=list)
    debt: int = 0

    @property
    def balance(self) -> int:
        return sum(lot.remaining for lot in self.lots)

    @property
    def expired(self) -> int:
        """What has expired and was never asked back."""
        entries = {id(lot.entry): lot.entry for lot in self.lots}
        return sum(entry.expired - entry.counted for entry in entries.values())

    def available(self, at: datetime) -> int:
        return max(0, sum(lot.free for lot in self._spendable(at)) - self.debt)

    def earn(self, points: int, opened_at: datetime, expires_at: datetime | None) -> OracleEntry:
        """What is owed is paid first; the rest is a lot."""
        entry, paid = OracleEntry(), min(self.debt, points)
        self.debt -= paid
        if points > paid:
            self.lots.append(OracleLot(len(self.lots), entry, points - paid, opened_at, expires_at))
        return entry

    def choose(self, points: int, at: datetime) -> Draws:
        """The lots that so many points come from."""
        if self.available(at) < points:
            raise NotEnough
        return self._from(self._spendable(at), points)

    def draw(self, draws: Draws) -> None:
        for lot, points in draws:
            lot.remaining -= points

    def bind(self, draws: Draws, sign: int = 1) -> None:
        for lot, points in draws:
            lot.held += sign * points

    def take_back(self, entry: OracleEntry, points: int, at: datetime) -> None:
        """From its own lots, then from what else can be spent; the rest is owed. What had expired is gone already."""
        own = [lot for lot in self.lots if lot.entry is entry]
        drawn = self._from(own, points)
        self.draw(drawn)
        left = points - sum(part for _lot, part in drawn)
        gone = min(left, entry.expired - entry.counted)
        entry.counted += gone
        others = [lot for lot in self._spendable(at) if lot.entry is not entry]
        drawn = self._from(others, left - gone)
        self.draw(drawn)
        self.debt += left - gone - sum(part for _lot, part in drawn)

    def give_back(
        self, draws: Draws, points: int, at: datetime, *, returned_until: datetime, untold_until: datetime
    ) -> Draws:
        """Pay what is owed, then back to the lots, the last drawn first; return what is still drawn."""
        paid = min(self.debt, points)
        self.debt -= paid
        left, returned, still = points - paid, [], []
        for lot, part in sorted(draws, key=lambda draw: draw[0].turn, reverse=True):
            back = min(part, left)
            left -= back
            if back:
                returned.append((lot, back))
            if part > back:
                still.append((lot, part - back))
        expired = [lot for lot, _part in returned if not lot.lives(at)]
        if any(lot.free for lot in expired):
            self.expire(at, untold_until)
        for lot, part in returned:
            lot.remaining += part
        for lot in expired:
            if not lot.lives(at):
                lot.expires_at = returned_until
        return still[::-1]

    def take_back_what_is_left(self, entry: OracleEntry, points: int) -> int:
        """From its own lots alone, also where merges moved them; what is gone stays gone. Return what was there."""
        drawn = self._from([lot for lot in self.lots if entry in (lot.entry, lot.origin)], points)
        self.draw(drawn)
        return sum(part for _lot, part in drawn)

    def move_to(self, survivor: "OracleAccount") -> None:
        """All that is left goes over as one credit, each lot with its expiry, and so does what is owed."""
        entry = OracleEntry()
        for lot in self.lots:
            if lot.remaining:
                arrived = OracleLot(len(survivor.lots), entry, lot.remaining, lot.opened_at, lot.expires_at)
                arrived.origin = lot.origin or lot.entry
                survivor.lots.append(arrived)
                lot.remaining = 0
        survivor.debt += self.debt
        self.debt = 0

    def expire(self, at: datetime, untold_until: datetime) -> None:
        """Nobody was told of what ends, so that it lives on twice; then it is booked out."""
        for lot in self.lots:
            if lot.lives(at) or not lot.remaining:
                continue
            if lot.graces < GRACES_MAX:
                lot.graces += 1
                lot.expires_at = untold_until
            else:
                lot.entry.expired += lot.free
                lot.remaining = lot.held

    @staticmethod
    def first(draws: Draws, points: int) -> Draws:
        """The first points of what was bound, in the order of spending."""
        taken: Draws = []
        for lot, part in sorted(draws, key=lambda draw: draw[0].turn):
            taken.append((lot, min(part, points)))
            points -= min(part, points)
        return taken

    def _spendable(self, at: datetime) -> list[OracleLot]:
        return sorted((lot for lot in self.lots if lot.free > 0 and lot.lives(at)), key=lambda lot: lot.turn)

    @staticmethod
    def _from(lots: list[OracleLot], points: int) -> Draws:
        draws: Draws = []
        for lot in lots:
            part = min(lot.free, points)
            points -= part
            if part:
                draws.append((lot, part))
        return draws
