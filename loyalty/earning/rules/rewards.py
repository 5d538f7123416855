"""Rewards: what a definition is worth on some lines, before any cap."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loyalty.earning.rules.definition import Definition, Fixed, Multiple, PerAmount, Reward, Rounding
from loyalty.earning.rules.facts import ONCE_BP, FactLine, amount_of


@dataclass(frozen=True, slots=True)
class Base:
    """A base rule that pays, with the lines that it pays for."""

    definition: Definition
    lines: tuple[FactLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a definition pays before its caps; ``points`` hold those of the tier."""

    points: int = 0
    growth: int = 0
    tier_points: int = 0
    short_fen: int | None = None
    """What a purchase too small to pay anything lacks, where more would help."""
    figures: dict[str, Any] = field(default_factory=dict)
    """What it was reckoned from."""


def divided(amount: int, by: int, rounding: Rounding) -> int:
    """Divide without ever passing through a fraction that is not exact."""
    whole, rest = divmod(amount, by)
    if rounding is Rounding.CEIL:
        return whole + (rest > 0)
    if rounding is Rounding.HALF_UP:
        return whole + (2 * rest >= by)
    return whole


def worth_of(
    definition: Definition, lines: tuple[FactLine, ...], bases: Iterable[Base], *, tier_multiplier_bp: int = ONCE_BP
) -> Worth:
    """Reckon what a definition pays on lines that match, beside the base rules that pay.

    The tier multiplies points that are paid by the amount, and nothing else.
    """
    bases = tuple(bases)
    points = _value(definition.points, lines, [(base.definition.points, base.lines) for base in bases])
    growth = _value(definition.growth, lines, [(base.definition.growth, base.lines) for base in bases])
    tier_points = 0
    if isinstance(definition.points, PerAmount):
        tier_points = points * max(0, tier_multiplier_bp - ONCE_BP) // ONCE_BP
    return Worth(
        points=points + tier_points,
        growth=growth,
        tier_points=tier_points,
        short_fen=_short_fen(definition, amount_of(lines)),
        figures=_figures(definition, lines, points),
    )


def _value(reward: Reward | None, lines: tuple[FactLine, ...], bases: list[tuple[Reward | None, Any]]) -> int:
    if reward is None:
        return 0
    if isinstance(reward, Fixed):
        return reward.value
    if isinstance(reward, PerAmount):
        return _steps(reward, lines) * reward.value
    base = sum(
        _steps(other, _shared(other_lines, lines)) * other.value
        for other, other_lines in bases
        if isinstance(other, PerAmount)
    )
    return divided(base * (reward.basis_points - ONCE_BP), ONCE_BP, reward.rounding)


def _steps(reward: PerAmount, lines: Iterable[FactLine]) -> int:
    return divided(amount_of(tuple(lines)), reward.each_fen, reward.rounding)


def _shared(some: Iterable[FactLine], others: tuple[FactLine, ...]) -> list[FactLine]:
    numbers = {line.line_number for line in others}
    return [line for line in some if line.line_number in numbers]


def _short_fen(definition: Definition, amount_fen: int) -> int | None:
    """Return the smallest amount that is still lacking for one step of either reward."""
    short = [
        _first_step_fen(reward) - amount_fen
        for reward in (definition.points, definition.growth)
        if isinstance(reward, PerAmount)
    ]
    return min(short, default=None)


def _first_step_fen(reward: PerAmount) -> int:
    if reward.rounding is Rounding.CEIL:
        return 1
    return reward.each_fen if reward.rounding is Rounding.FLOOR else -(-reward.each_fen // 2)


def _figures(definition: Definition, lines: tuple[FactLine, ...], points: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"amount_fen": amount_of(lines)} if lines else {}
    if isinstance(definition.points, PerAmount):
        figures |= {"each_fen": definition.points.each_fen, "value": definition.points.value, "base_points": points}
        figures |= {"rounding": definition.points.rounding.value}
    elif isinstance(definition.points, Multiple):
        figures |= {"basis_points": definition.points.basis_points}
    return figures
