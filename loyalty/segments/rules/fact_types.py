"""The facts that can be asked of a member, one type each. What is left out asks nothing.

Days are business dates in the programme's zone: "within 30 days" is today and the 29 days before it. ``least`` and
``most`` include themselves. Money is fen net of refunds, counted on the day of its purchase; an order that was
returned whole is no purchase.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Match(StrEnum):
    """How several of a list have to be met."""

    ANY = "any"
    ALL = "all"
    NONE = "none"


class Way(StrEnum):
    """By which a member could be reached now (触达渠道)."""

    SUBSCRIPTION = "subscription"
    """A grant of a template for messages of campaigns is left."""
    CUSTOMER = "customer"
    """What the member did lets us write a customer message."""
    TEMPLATE = "template"
    """Follows an Official Account."""
    INBOX = "inbox"


class Kind(StrEnum):
    """The kind of WeChat account that a member is bound through."""

    OFFICIAL_ACCOUNT = "oa"
    MINI_PROGRAM = "mp"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """When the member enrolled: between dates, or so many days ago."""

    first_on: date | None = None
    last_on: date | None = None
    days_least: int | None = None
    days_most: int | None = None


@dataclass(frozen=True, slots=True)
class EnrolledStore:
    """Where the member enrolled; a region means all its stores."""

    store_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Birthday:
    """A birthday today or within the next days; who was born on 29 February celebrates on the 28th of other years."""

    within_days: int


@dataclass(frozen=True, slots=True)
class BirthdayMonth:
    """A birthday in one of some months."""

    months: frozenset[int]


@dataclass(frozen=True, slots=True)
class HasBirthday:
    """Whether the member told a birthday."""

    is_given: bool = True


@dataclass(frozen=True, slots=True)
class Tier:
    """The level that counts now."""

    levels: frozenset[int]


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of the period by which levels are evaluated."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """Points that can be spent now."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class ExpiringPoints:
    """Points that expire by the end of a day to come, if nothing is spent; 0 days is today."""

    least: int = 1
    within_days: int = 30


@dataclass(frozen=True, slots=True)
class Recency:
    """Days since the last purchase; who never bought has none and is asked by ``NeverBought``."""

    days_least: int | None = None
    days_most: int | None = None


@dataclass(frozen=True, slots=True)
class NeverBought:
    """Whether the member has no purchase at all."""

    is_never: bool = True


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many purchases; without days, ever."""

    within_days: int | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """What was spent, in fen; without days, ever."""

    within_days: int | None = None
    least_fen: int | None = None
    most_fen: int | None = None


@dataclass(frozen=True, slots=True)
class BoughtAt:
    """A purchase at one of some stores; a region means all its stores."""

    store_ids: frozenset[int]
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class BoughtThrough:
    """A purchase through one of some channels, as tills and shops report them."""

    channels: frozenset[str]
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class BoughtGoods:
    """Purchases with goods of some categories or articles, by how many there were and what they cost."""

    categories: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    within_days: int | None = None
    times_least: int = 1
    fen_least: int | None = None


@dataclass(frozen=True, slots=True)
class BoundThrough:
    """Bound in WeChat through an account of one of these kinds."""

    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class CouponHeld:
    """A coupon of one of some templates, or of any, that can be used now."""

    template_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CouponUsed:
    """A coupon of one of some templates, or of any, that was used and not reversed."""

    template_ids: frozenset[int] = frozenset()
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class CheckInStreak:
    """Days checked in without a gap up to today or yesterday; 0 for whose streak is broken."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Following:
    """Follows one of some Official Accounts, or any."""

    appids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reachable:
    """Can be reached now by one of these ways with a message of a campaign, which the member has not refused."""

    ways: frozenset[Way]


@dataclass(frozen=True, slots=True)
class Tags:
    """Has one, all or none of some tags."""

    tag_ids: frozenset[int]
    match: Match = Match.ANY


@dataclass(frozen=True, slots=True)
class Activity:
    """Days since the member last opened the mini program or a page."""

    days_least: int | None = None
    days_most: int | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """Got something of a campaign, or did not."""

    campaign_id: int
    has_got: bool = True


Fact = (
    Enrolled | EnrolledStore | Birthday | BirthdayMonth | HasBirthday | Tier | Growth | Balance | ExpiringPoints
    | Recency | NeverBought | Frequency | Money | BoughtAt | BoughtThrough | BoughtGoods | BoundThrough | CouponHeld
    | CouponUsed | CheckInStreak | Following | Reachable | Tags | Activity | Campaign
)  # fmt: skip
