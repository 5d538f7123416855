"""Discounting (抵扣): what one coupon takes off what the coupons before it left of a basket's lines.

Whole fen: what is not whole stays with the shop. Nothing is taken below zero. Pieces of a line cost alike to the fen:
the parts of the line's amount that its pieces cost add up to it.
"""

from collections.abc import Sequence

from loyalty.coupons.rules.terms import CashOff, FixedPrice, Gift, PercentOff, Worth
from loyalty.orders.rules import Line
from loyalty.orders.sharing import shares_of

PERCENT = 100
Shares = tuple[tuple[int, int], ...]
"""Pairs of line number and fen, each more than nothing, by ascending line."""


class Remainder:
    """What is left of a basket's lines while coupons are applied to them, one after another."""

    __slots__ = ("_left_fen", "_lines", "_pieces", "_unsold_fen")

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._left_fen = [line.amount_fen for line in lines]
        # Of the pieces that no gift and no fixed price has taken yet: how many, and what they cost together.
        self._pieces = [line.quantity for line in lines]
        self._unsold_fen = [line.amount_fen for line in lines]

    def take(self, worth: Worth, positions: Sequence[int]) -> Shares | None:
        """Take a coupon's worth off the lines at some positions; None when there is nothing that it could do."""
        match worth:
            case CashOff():
                return self._spread(worth.amount_fen, positions)
            case PercentOff():
                off = self._left_at(positions) * worth.percent // PERCENT
                return self._spread(off if worth.ceiling_fen is None else min(off, worth.ceiling_fen), positions)
            case FixedPrice():
                return self._take_piece(worth.price_fen, positions, least=1)
            case Gift():
                return self._take_piece(0, positions, least=0)

    def _left_at(self, positions: Sequence[int]) -> int:
        return sum(self._left_fen[position] for position in positions)

    def _spread(self, fen: int, positions: Sequence[int]) -> Shares | None:
        shares = shares_of(min(fen, self._left_at(positions)), [self._left_fen[position] for position in positions])
        return self._take(dict(zip(positions, shares, strict=True))) or None

    def _take_piece(self, price_fen: int, positions: Sequence[int], *, least: int) -> Shares | None:
        costs = {position: self._piece_fen(position) for position in positions if self._pieces[position]}
        if not costs:
            return None
        dearest = max(costs, key=lambda position: (costs[position], -position))
        off = costs[dearest] - price_fen
        if off < least:
            return None
        self._pieces[dearest] -= 1
        self._unsold_fen[dearest] -= costs[dearest]
        return self._take({dearest: off})

    def _piece_fen(self, position: int) -> int:
        return self._unsold_fen[position] // self._pieces[position]

    def _take(self, shares: dict[int, int]) -> Shares:
        for position, fen in shares.items():
            self._left_fen[position] -= fen
        return tuple((self._lines[position].line_number, fen) for position, fen in shares.items() if fen)
