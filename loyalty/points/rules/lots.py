"""Lots: which of them a debit draws on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty.points.rules.errors import InsufficientPoints, InvalidPoints
from loyalty.points.rules.kinds import POINTS_MAX


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What is left of one credit (积分批次), without what holds bind."""

    id: int
    remaining: int
    opened_at: datetime
    expires_at: datetime | None
    """Where it is about spending, as the spending leaves it: who spends is active."""


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


def draw_down(lots: Sequence[OpenLot], points: int, *, debt: int = 0) -> list[LotDraw]:
    """Split a debit over open lots: the soonest expiry first, then the oldest, then the lowest id.

    Lots without expiry come last. The caller leaves out what is expired or not yet available. Whoever owes points
    can spend only what exceeds the debt.

    Raises:
        InsufficientPoints: the lots together hold less than ``points`` and ``debt``.
    """
    there = sum(lot.remaining for lot in lots)
    if there < points + debt:
        raise InsufficientPoints(points=points, available=max(0, there - debt))
    return take_what_is_left(sorted(lots, key=_spending_order), points)


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


def _spending_order(lot: OpenLot) -> tuple[bool, float, datetime, int]:
    expiry = lot.expires_at.timestamp() if lot.expires_at is not None else 0.0
    return lot.expires_at is None, expiry, lot.opened_at, lot.id
