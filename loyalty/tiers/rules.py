"""Tier rules: which ladders of tiers may be saved."""

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.kernel.errors import InvalidInput

TIERS_MAX = 20
NAME_LENGTH_MAX = 20
GROWTH_MAX = 1_000_000_000
NAME_BEFORE_ANY_TIER = "会员"


class InvalidTiers(InvalidInput):
    """The ladder of tiers is empty, out of order or does not start at zero; ``details`` say which."""

    code = "invalid_tiers"
    message = "等级设置不正确"


class InvalidGrowth(InvalidInput):
    """Growth to be added is below zero or absurdly large."""

    code = "invalid_growth"
    message = "成长值不正确"


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of the ladder (等级) and the growth that reaches it."""

    level: int
    name: str
    growth_threshold: int


DEFAULT_TIERS = (
    Tier(1, "普通会员", 0),
    Tier(2, "银卡会员", 500),
    Tier(3, "金卡会员", 2_000),
    Tier(4, "黑金会员", 10_000),
)
"""A ladder to begin with."""


def check_tiers(tiers: Sequence[Tier]) -> None:
    """Refuse a ladder on which some growth would have no level, or two.

    Raises:
        InvalidTiers: with the reason.
    """
    _require(0 < len(tiers) <= TIERS_MAX, f"1 to {TIERS_MAX} tiers")
    _require([tier.level for tier in tiers] == list(range(1, len(tiers) + 1)), "levels must be 1, 2, 3 and so on")
    _require(tiers[0].growth_threshold == 0, "the first tier must start at 0")
    thresholds = [tier.growth_threshold for tier in tiers]
    _require(thresholds == sorted(set(thresholds)), "each tier must need more growth than the one before")
    _require(thresholds[-1] <= GROWTH_MAX, f"growth is {GROWTH_MAX} at most")
    names = [tier.name.strip() for tier in tiers]
    _require(all(0 < len(name) <= NAME_LENGTH_MAX for name in names), f"names have 1 to {NAME_LENGTH_MAX} characters")
    _require(len(set(names)) == len(names), "a name stands twice")


def check_growth(growth: int) -> None:
    """Refuse growth that nobody can have meant.

    Raises:
        InvalidGrowth: it is below zero or above ``GROWTH_MAX``.
    """
    if not 0 <= growth <= GROWTH_MAX:
        raise InvalidGrowth(growth=growth)


def _require(is_right: bool, reason: str) -> None:
    if not is_right:
        raise InvalidTiers(reason=reason)
