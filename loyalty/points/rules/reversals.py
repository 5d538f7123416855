"""Reversals (冲正): how much an entry still has to be undone, and what that takes or gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.kernel.clock import business_date
from loyalty.points.rules.errors import InsufficientPoints, ReversalExceedsEntry
from loyalty.points.rules.kinds import Shortfall
from loyalty.points.rules.lots import LotDraw, check_points

RETURN_GRACE_DAYS = 7
"""How long what returns to an expired lot can be spent (退回宽限期), besides the day on which it returns."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What of a reversal the member no longer has: ``forgiven``, or ``owed`` from now on."""

    forgiven: int = 0
    owed: int = 0


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


def settle_missing(missing: int, *, undo: int, shortfall: Shortfall) -> Missing:
    """Say what becomes of the points that a reversal of ``undo`` points cannot take.

    Raises:
        InsufficientPoints: something is missing, and ``shortfall`` refuses.
    """
    if not missing:
        return Missing()
    if shortfall is Shortfall.REFUSE:
        raise InsufficientPoints(points=undo, available=undo - missing)
    return Missing(forgiven=missing) if shortfall is Shortfall.CLAMP else Missing(owed=missing)


def last_day_of_grace(at: datetime, zone: ZoneInfo) -> date:
    """Return the last business date on which points that returned to an expired lot can be spent."""
    return business_date(at, zone) + timedelta(days=RETURN_GRACE_DAYS)
