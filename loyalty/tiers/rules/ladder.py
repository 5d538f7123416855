"""The ladder of tiers: which ladders may be saved, and what each step brings."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loyalty.kernel.errors import InvalidInput

TIERS_MAX = 20
NAME_LENGTH_MAX = 20
GROWTH_MAX = 1_000_000_000
LOWEST_LEVEL = 1
NAME_BEFORE_ANY_TIER = "会员"
ONE_TIME = 10_000
"""A multiplier of one, in basis points (万分之)."""
MULTIPLIER_MAX = 10 * ONE_TIME


class InvalidTiers(InvalidInput):
    """The ladder is empty, out of order, does not start at zero or promises what cannot be; ``details`` say which."""

    code = "invalid_tiers"
    message = "等级设置不正确"


class InvalidGrowth(InvalidInput):
    """Growth to be added or taken back is below zero or absurdly large."""

    code = "invalid_growth"
    message = "成长值不正确"


@dataclass(frozen=True, slots=True)
class Benefits:
    """What a tier brings (权益); a benefit that a stored tier does not name has its value here."""

    points_multiplier: int = ONE_TIME
    """By how much points earned are multiplied, in basis points: 15 000 is 1.5 times."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of the ladder (等级), the growth that reaches it and what it brings."""

    level: int
    name: str
    growth_threshold: int
    benefits: Benefits = field(default=Benefits())


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
    _require(0 < len(tiers) <= TIERS_MAX, f"须有 1 到 {TIERS_MAX} 个等级")
    _require([tier.level for tier in tiers] == list(range(1, len(tiers) + 1)), "等级须从 1 起连续")
    _require(tiers[0].growth_threshold == 0, "第一个等级的门槛须为 0")
    thresholds = [tier.growth_threshold for tier in tiers]
    _require(thresholds == sorted(set(thresholds)), "每个等级的门槛须高于前一个")
    _require(thresholds[-1] <= GROWTH_MAX, f"门槛不能超过 {GROWTH_MAX}")
    names = [tier.name.strip() for tier in tiers]
    _require(all(0 < len(name) <= NAME_LENGTH_MAX for name in names), f"名称须为 1 到 {NAME_LENGTH_MAX} 个字")
    _require(len(set(names)) == len(names), "名称不能重复")
    multipliers = [tier.benefits.points_multiplier for tier in tiers]
    _require(all(ONE_TIME <= one <= MULTIPLIER_MAX for one in multipliers), "积分倍数须为 1 到 10")


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
