"""Sharing (分摊): what was taken off an order, spread over its lines, and what of that is left after refunds.

Exact to the fen: parts add up to their whole, none exceeds its line, and once nothing is left of the lines nothing is
left of the parts, in whatever steps they were returned. The last refund takes the remainder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from loyalty.orders.rules import Line

Parts = Mapping[int, int]
"""Of an order's lines, by line number, what was taken off each; a line that is missing bears nothing."""


def shares_of(whole: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split a whole in proportion to weights; no part exceeds its weight unless the whole exceeds them together.

    Without any weight nobody bears anything.
    """
    total, passed, shared, shares = sum(weights), 0, 0, []
    for weight in weights:
        passed += weight
        reached = whole * passed // total if total else 0
        shares.append(reached - shared)
        shared = reached
    return tuple(shares)


def parts_left(lines: Sequence[Line], left: Sequence[Line], parts: Parts) -> dict[int, int]:
    """Return what still lies on what is left of an order's lines: as much of each part as is left of its line."""
    original = {line.line_number: line.amount_fen for line in lines}
    return {line.line_number: _part_left(parts.get(line.line_number, 0), line, original) for line in left}


def money_left(lines: Sequence[Line], left: Sequence[Line], parts: Parts) -> tuple[Line, ...]:
    """Return what is left of an order with what was paid for it once the parts were taken off.

    One after another only: what several took off a line counts together, as one part.
    """
    off = parts_left(lines, left, parts)
    return tuple(replace(line, amount_fen=line.amount_fen - off[line.line_number]) for line in left)


def _part_left(part: int, line: Line, original: Mapping[int, int]) -> int:
    whole = original[line.line_number]
    return part * line.amount_fen // whole if whole else 0
