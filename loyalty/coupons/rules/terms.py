"""What a coupon template says (券模板): worth, scope, validity, limits and price, as frozen data.

Terms are the whole template: the form edits them, the sentence reads them aloud, and issuing and redeeming go by
them. Money is whole fen, dates are business dates of the programme's time zone.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from loyalty.kernel.local_time import Hours

REMINDER_DAYS = 3
"""How many days before it lapses a coupon is told of whose terms do not say."""


class RefundPolicy(StrEnum):
    """What becomes of a redeemed coupon when all of its order is refunded."""

    FORFEIT = "forfeit"
    """It stays used (不退券)."""
    RETURN = "return"
    """It comes back; one that lapsed meanwhile comes back for ``refund_grace_days`` (退券)."""


@dataclass(frozen=True, slots=True)
class CashOff:
    """So many fen less (代金券, 满减券)."""

    amount_fen: int


@dataclass(frozen=True, slots=True)
class PercentOff:
    """So many percent less, a ceiling at most (折扣券): 15 is what Chinese calls 8.5 折."""

    percent: int
    ceiling_fen: int | None = None


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """One piece of the goods in scope, the dearest, for a price (特价券)."""

    price_fen: int


@dataclass(frozen=True, slots=True)
class Gift:
    """A thing for nothing (礼品券, 兑换券): handed over by the clerk, or the dearest piece in scope free when the
    scope names goods."""

    name: str


Worth = CashOff | PercentOff | FixedPrice | Gift


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where and for what a coupon holds (适用范围); an empty part asks for nothing."""

    included_nodes: frozenset[int] = frozenset()
    """Stores and regions; the whole chain when empty."""
    excluded_nodes: frozenset[int] = frozenset()
    channels: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    """A line is in scope by its sku or by its category; every line is when both are empty."""
    excluded_skus: frozenset[str] = frozenset()
    excluded_categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FixedDates:
    """From the beginning of one business date to the end of another."""

    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class DaysFromIssue:
    """``days`` business dates, of which the first is ``delay_days`` after that of the issue: 0 counts it itself."""

    days: int
    delay_days: int = 0


Validity = FixedDates | DaysFromIssue


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """When within its validity a coupon holds (可用时段)."""

    weekdays: frozenset[int] = frozenset()
    """1 is Monday."""
    hours: tuple[Hours, ...] = ()
    """What falls after midnight belongs to the day on which its hours began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """How many coupons may be issued: per business date and per issuing store; None for no limit.

    The stock in all is not here: it is topped up without a new revision.
    """

    per_day: int | None = None
    per_store: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLimits:
    """How many a member may get, in all and on one business date; None for no limit."""

    total: int | None = 1
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Who may get one (领取条件); an empty part asks for nothing."""

    tier_levels: frozenset[int] = frozenset()
    tags: frozenset[int] = frozenset()
    """Ids of tags, of which one is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claiming:
    """How members get one themselves (领取)."""

    is_in_centre: bool = False
    """Shown in the coupon centre (领券中心); otherwise only who has the link finds it."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    points_price: int = 0
    """Points that a claim costs (积分兑换)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacking:
    """Which coupons pay for one basket together (叠加).

    An exclusive coupon pays alone. Of those with the same group one pays; those without a group go with all others
    that are not exclusive.
    """

    is_exclusive: bool = True
    group: str | None = None


@dataclass(frozen=True, slots=True)
class BonusStep:
    """Points on top for who uses the coupon within so many business dates of the first usable one (尽早使用奖励)."""

    within_days: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one revision of a template says."""

    title: str
    """At most 20 characters; what members read first."""
    worth: Worth
    validity: Validity
    threshold_fen: int = 0
    """The least that the goods in scope must cost."""
    scope: Scope = field(default_factory=Scope)
    windows: Windows = field(default_factory=Windows)
    stock: Stock = field(default_factory=Stock)
    member_limits: MemberLimits = field(default_factory=MemberLimits)
    eligibility: Eligibility = field(default_factory=Eligibility)
    claiming: Claiming = field(default_factory=Claiming)
    stacking: Stacking = field(default_factory=Stacking)
    bonus: tuple[BonusStep, ...] = ()
    """Ascending by days; the first that is met pays."""
    refund: RefundPolicy = RefundPolicy.RETURN
    refund_grace_days: int = 7
    reminder_days: int | None = REMINDER_DAYS
    """How many days before it lapses the member is reminded; never when None."""
    description: str = ""
    """Rules of use in the operator's words (使用须知), shown below ours."""
    picture: str | None = None
    """The digest of an uploaded picture."""
