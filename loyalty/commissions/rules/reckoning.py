"""Reckoning (计佣): what the lines of an order pay, to the fen, and what of it refunds leave.

The base of a line is what was really paid for it in money. What a line pays is fixed when the commission is reckoned;
refunds leave as much of it as is left of the line's base, rounded down, so that the same is left in whatever steps
things were returned, and nothing once all was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty.commissions.rules.plan import BASIS_POINTS, Rate
from loyalty.orders.rules import Line
from loyalty.orders.sharing import shares_of


@dataclass(frozen=True, slots=True)
class Part:
    """What one line of an order pays."""

    line_number: int
    base_fen: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Term:
    """What one rate came to, for the explanation."""

    basis_points: int
    fixed_fen: int
    base_fen: int
    amount_fen: int

    def to_json(self) -> dict[str, int]:
        """Return it as explanations hold it."""
        rate = {"basis_points": self.basis_points} if self.basis_points else {"fixed_fen": self.fixed_fen}
        return {**rate, "base_fen": self.base_fen, "amount_fen": self.amount_fen}


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What an order pays on one level, before any cap."""

    parts: tuple[Part, ...]
    terms: tuple[Term, ...]

    @property
    def amount_fen(self) -> int:
        """What all lines pay."""
        return sum(part.amount_fen for part in self.parts)

    @property
    def base_fen(self) -> int:
        """What was paid for the goods that pay."""
        return sum(part.base_fen for part in self.parts)


def reckon(rates: Sequence[Rate], lines: Sequence[Line]) -> Reckoned:
    """Return what lines pay, at the money that was paid for them. A fixed amount never exceeds what was paid."""
    covered: dict[int, list[Line]] = {}
    for line in lines:
        if (index := _rate_of(rates, line)) is not None:
            covered.setdefault(index, []).append(line)
    parts, terms = [], []
    for index in sorted(covered):
        found = _parts(rates[index], covered[index])
        if any(part.amount_fen for part in found):
            parts += found
            terms.append(_term(rates[index], found))
    return Reckoned(tuple(parts), tuple(terms))


def capped(parts: Sequence[Part], amount_fen: int) -> tuple[Part, ...]:
    """Return the parts brought down to an amount, in proportion; unchanged where they come to no more."""
    amounts = [part.amount_fen for part in parts]
    if amount_fen >= sum(amounts):
        return tuple(parts)
    shares = shares_of(amount_fen, amounts)
    return tuple(
        Part(part.line_number, part.base_fen, share) for part, share in zip(parts, shares, strict=True) if share
    )


def left_of(parts: Sequence[Part], money_left: Sequence[Line]) -> int:
    """Return what refunds leave of a commission: of each part as much as is left of its base."""
    left = {line.line_number: line.amount_fen for line in money_left}
    return sum(_left(part, left) for part in parts)


def to_json(parts: Sequence[Part]) -> list[list[int]]:
    """Return parts as they are stored."""
    return [[part.line_number, part.base_fen, part.amount_fen] for part in parts]


def read_parts(stored: Sequence[Sequence[Any]]) -> tuple[Part, ...]:
    """Read parts back."""
    return tuple(Part(*part) for part in stored)


def _rate_of(rates: Sequence[Rate], line: Line) -> int | None:
    return next((index for index, rate in enumerate(rates) if rate.covers(line)), None)


def _parts(rate: Rate, lines: Sequence[Line]) -> list[Part]:
    bases = [line.amount_fen for line in lines]
    whole = sum(bases) * rate.basis_points // BASIS_POINTS if rate.basis_points else min(rate.fixed_fen, sum(bases))
    shares = shares_of(whole, bases)
    return [Part(line.line_number, line.amount_fen, share) for line, share in zip(lines, shares, strict=True)]


def _term(rate: Rate, parts: Sequence[Part]) -> Term:
    base, amount = sum(part.base_fen for part in parts), sum(part.amount_fen for part in parts)
    return Term(rate.basis_points, rate.fixed_fen, base, amount)


def _left(part: Part, left: Mapping[int, int]) -> int:
    base_left = min(left.get(part.line_number, 0), part.base_fen)
    return part.amount_fen * base_left // part.base_fen if part.base_fen else 0
