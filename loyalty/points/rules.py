"""Points rules: kinds of entries, which lots a debit draws on, and what a reversal undoes.

Nothing here reads a table or a clock. Points are whole numbers; a draw that puts points back is negative.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound

POINTS_MAX = 1_000_000_000
"""The most that one posting may move: far above any award, far below where sums could overflow."""


class EntryKind(StrEnum):
    """What an entry (积分流水) records."""

    EARN = "earn"
    SPEND = "spend"
    EXPIRE = "expire"
    REVERSE = "reverse"
    """冲正: undoes another entry, wholly or in part."""
    ADJUST = "adjust"
    TRANSFER = "transfer"
    """One half of moving a merged member's points to the survivor."""


class HoldState(StrEnum):
    """Where a hold (冻结) stands; only a placed one still binds points."""

    PLACED = "placed"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Shortfall(StrEnum):
    """What happens when a reversal takes back more than the member still has."""

    REFUSE = "refuse"
    """Nothing is taken and the caller is told."""
    CLAMP = "clamp"
    """What is there is taken, the rest is forgiven and stands in the entry's explanation."""


class InvalidPoints(InvalidInput):
    """The number of points is not a whole number above zero, or is absurdly large."""

    code = "invalid_points"
    message = "积分数量不正确"


class InsufficientPoints(Conflict):
    """The member's available points are fewer than asked for."""

    code = "insufficient_points"
    message = "可用积分不足"


class EntryNotFound(NotFound):
    """The member has no such entry."""

    code = "ledger_entry_not_found"
    message = "没有找到这笔积分流水"


class EntryNotReversible(Conflict):
    """The entry is itself a reversal, a transfer or an expiry, which nothing undoes."""

    code = "ledger_entry_not_reversible"
    message = "这笔积分流水不能冲正"


class ReversalExceedsEntry(Conflict):
    """The reversals of an entry together would undo more than it moved."""

    code = "reversal_exceeds_entry"
    message = "冲正的积分超过了原流水"


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What is left of one credit (积分批次)."""

    id: int
    remaining: int
    opened_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class LotDraw:
    """Points taken from a lot (批次扣减); negative when they are put back."""

    lot_id: int
    points: int


def check_points(points: int) -> None:
    """Refuse a number of points that nobody can have meant.

    Zero is refused as well: what moves nothing is no entry, and the caller that reckoned zero keeps the reason.

    Raises:
        InvalidPoints: it is below one or above ``POINTS_MAX``.
    """
    if not 0 < points <= POINTS_MAX:
        raise InvalidPoints(points=points)


def draw_down(lots: Iterable[OpenLot], points: int) -> list[LotDraw]:
    """Split a debit over open lots: the soonest expiry first, then the oldest, then the lowest id.

    Lots without expiry come last. The caller leaves out what is expired or not yet available.

    Raises:
        InsufficientPoints: the lots together hold less than ``points``.
    """
    draws = take_what_is_left(sorted(lots, key=_spending_order), points)
    missing = points - sum(draw.points for draw in draws)
    if missing:
        raise InsufficientPoints(points=points, available=points - missing)
    return draws


def take_what_is_left(lots: Iterable[OpenLot], points: int) -> list[LotDraw]:
    """Take up to ``points`` from lots in the order given; fewer when they hold less."""
    draws: list[LotDraw] = []
    outstanding = points
    for lot in lots:
        taken = min(lot.remaining, outstanding)
        if taken > 0:
            draws.append(LotDraw(lot.id, taken))
            outstanding -= taken
    return draws


def put_back(drawn: Sequence[LotDraw], points: int) -> list[LotDraw]:
    """Return ``points`` of a debit to the lots it drew on, what was drawn last first.

    ``drawn`` is in the order of drawing and already without what earlier reversals put back, so that after a
    partial return the lots stand as if only the rest had been spent.

    Raises:
        ReversalExceedsEntry: less than ``points`` is still drawn.
    """
    returned: list[LotDraw] = []
    outstanding = points
    for draw in reversed(drawn):
        given = min(draw.points, outstanding)
        if given > 0:
            returned.append(LotDraw(draw.lot_id, -given))
            outstanding -= given
    if outstanding:
        raise ReversalExceedsEntry(points=points, reversible=points - outstanding)
    return returned


def points_to_undo(original: int, *, undone: int, asked: int | None) -> int:
    """Return how many points of an entry a reversal undoes: what was asked for, or all that is left.

    Raises:
        InvalidPoints: ``asked`` is no valid number of points.
        ReversalExceedsEntry: with earlier reversals it would undo more than the entry moved, or nothing is left.
    """
    left = abs(original) - undone
    if asked is not None:
        check_points(asked)
    if left <= 0 or (asked is not None and asked > left):
        raise ReversalExceedsEntry(points=asked if asked is not None else abs(original), reversible=left)
    return left if asked is None else asked


def _spending_order(lot: OpenLot) -> tuple[bool, float, datetime, int]:
    expiry = lot.expires_at.timestamp() if lot.expires_at is not None else 0.0
    return lot.expires_at is None, expiry, lot.opened_at, lot.id


EVENT_OF_KIND: Mapping[EntryKind, str] = {
    EntryKind.EARN: "points.earned",
    EntryKind.SPEND: "points.spent",
    EntryKind.REVERSE: "points.reversed",
    EntryKind.ADJUST: "points.adjusted",
}
"""What other modules hear of; a transfer between two halves of one person is not news to them."""
