"""What an earning rule says (积分规则): conditions, rewards, stacking, caps and budgets, as frozen data.

A definition is the whole rule: the form edits it, the sentence reads it aloud, and the evaluation pays by it.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from loyalty.earning.rules.facts import EarningEvent
from loyalty.kernel.local_time import Hours
from loyalty.points.rules.expiry import ExpiryPolicy


class Rounding(StrEnum):
    """What becomes of the part that is not whole; reckoned once for an order."""

    FLOOR = "floor"
    HALF_UP = "half_up"
    CEIL = "ceil"


class BirthdayMatch(StrEnum):
    """Which days around the member's birthday count."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class PerAmount:
    """``value`` for each full ``each_fen`` of the lines that match; what is not full is rounded to steps."""

    value: int
    each_fen: int
    rounding: Rounding = Rounding.FLOOR


@dataclass(frozen=True, slots=True)
class Fixed:
    """``value``, once for the event."""

    value: int


@dataclass(frozen=True, slots=True)
class Multiple:
    """``basis_points`` / 10,000 times what the base rules pay for the lines that match: 20000 doubles it.

    Pays only what comes on top. Each multiplier, that of the tier included, works on the base and never on
    another multiplier: a double and a tier's 1.5 together pay 2.5 times the base.
    """

    basis_points: int
    rounding: Rounding = Rounding.FLOOR


Reward = PerAmount | Fixed | Multiple


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must be true for a rule to pay; an empty part asks for nothing, and all parts must hold together."""

    included_nodes: frozenset[int] = frozenset()
    """Stores and regions; the whole chain, and what happens in no store, when empty."""
    excluded_nodes: frozenset[int] = frozenset()
    """Stores and regions that do not take part, whatever is included."""
    tier_levels: frozenset[int] = frozenset()
    tags: frozenset[int] = frozenset()
    """Ids of tags; one of them is enough."""
    is_first_purchase: bool = False
    minimum_amount_fen: int = 0
    """Of the lines that match."""
    minimum_quantity: int = 0
    """Of the lines that match."""
    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    """A line matches by its sku or by its category; every line does when both are empty."""
    excluded_skus: frozenset[str] = frozenset()
    excluded_categories: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    weekdays: frozenset[int] = frozenset()
    """1 is Monday."""
    hours: tuple[Hours, ...] = ()
    """What falls after midnight belongs to the day on which its hours began."""
    first_on: date | None = None
    last_on: date | None = None
    month_days: frozenset[int] = frozenset()
    """Members' days (会员日): days of each month; a month without such a day has none."""
    birthday: BirthdayMatch | None = None
    custom_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Stacking:
    """How a rule gets along with others (叠加).

    Without a group it pays beside all others. Of a group one rule pays: the one of the highest priority; of equal
    ones, that which pays most (best one). Base rules exclude base rules, bonuses exclude bonuses.
    """

    group: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most points a rule gives to one member in a period (上限); None for no cap."""

    member_day: int | None = None
    member_week: int | None = None
    member_month: int | None = None
    member_total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The most points a rule gives (预算), and in each store, in a calendar month or in all; None for no budget."""

    rule_month_budget: int | None = None
    rule_budget: int | None = None
    store_month_budget: int | None = None
    store_budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What one revision of a rule says."""

    event: EarningEvent
    points: Reward | None = None
    growth: Reward | None = None
    coupon_template_id: int | None = None
    """The template of a coupon that is given beside points and growth, or alone (送券): one for each event."""
    conditions: Conditions = field(default_factory=Conditions)
    stacking: Stacking = field(default_factory=Stacking)
    caps: Caps = field(default_factory=Caps)
    budgets: Budgets = field(default_factory=Budgets)
    """Caps and budgets bound the points that this rule pays, and no other rule; growth is not bounded."""
    pending_days: int = 0
    """How many days the points wait before they may be spent (待入账)."""
    expiry: ExpiryPolicy | None = None
    """The expiry policy of what is earned; that of the programme when None."""

    @property
    def is_base(self) -> bool:
        """Whether multipliers multiply it: it pays by the amount."""
        return isinstance(self.points, PerAmount) or isinstance(self.growth, PerAmount)
