"""What a campaign says (活动): whom, when, what and how much, as frozen data.

Terms are the whole campaign: the form edits them, the forecast reckons them, the lint reads them, and the runs act by
them. A revision holds one set of terms and never changes.
"""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from loyalty.segments.rules.conditions import Condition


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    WAITING = "waiting"
    """Submitted; a second person decides."""
    SCHEDULED = "scheduled"
    """Approved; nothing has begun yet."""
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    UNDONE = "undone"
    """Ended, and what it gave has been taken back as far as it was unused."""


class CampaignEvent(StrEnum):
    """What may set a campaign off for a member."""

    ENROLLED = "enrolled"
    PURCHASED = "purchased"
    CHECKED_IN = "checked_in"
    COUPON_REDEEMED = "coupon_redeemed"
    TIER_PROMOTED = "tier_promoted"
    FRIEND_QUALIFIED = "friend_qualified"
    """A friend whom the member invited has enrolled or bought, as the referral programme has it."""
    FOLLOWED = "followed"
    """A greeting, a tag or a segment may follow; value is refused on save."""


class Repetition(StrEnum):
    """On which days a recurring campaign begins again."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Now:
    """At once, as soon as it is approved."""


@dataclass(frozen=True, slots=True)
class At:
    """Once, at an instant."""

    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Recurring:
    """Again and again, at a time of the day in the programme's zone (会员日)."""

    repetition: Repetition
    at: time
    days: frozenset[int] = frozenset()
    """Weekdays 1–7, or days of the month 1–31; a month without such a day is passed over. Empty for daily."""


@dataclass(frozen=True, slots=True)
class OnEvent:
    """When something has happened to a member, after a delay."""

    event: CampaignEvent
    delay_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Birthday:
    """Before the member's birthday, once a year."""

    days_before: int = 0
    at: time = time(9)


@dataclass(frozen=True, slots=True)
class Sleeping:
    """When a member has bought nothing for so many days (沉睡), once for each sleep."""

    days: int
    at: time = time(10)


@dataclass(frozen=True, slots=True)
class BeforeExpiry:
    """When points of a member expire in so many days, once for each such day."""

    days: int
    points_least: int = 1
    at: time = time(10)


@dataclass(frozen=True, slots=True)
class Visit:
    """When a member takes part by an entrance of the campaign (link, QR, menu): 到店券."""


Trigger = Now | At | Recurring | OnEvent | Birthday | Sleeping | BeforeExpiry | Visit


@dataclass(frozen=True, slots=True)
class GivePoints:
    """Points, which expire with the last of ``valid_days`` business dates, or as the programme has it."""

    points: int
    valid_days: int | None = None


@dataclass(frozen=True, slots=True)
class GiveCoupon:
    """One coupon of a template, within its own stock and limits."""

    template_id: int


@dataclass(frozen=True, slots=True)
class PutTag:
    """A tag."""

    tag_id: int


@dataclass(frozen=True, slots=True)
class SendMessage:
    """A marketing message; channels are tried in this order, the inbox always has it."""

    title: str
    body: str
    channels: tuple[str, ...]
    """Of ``loyalty.broadcasts.rules.channels.Channel``."""
    page: str | None = None
    """Where a tap leads: a page of the portal or of the mini program."""


Action = GivePoints | GiveCoupon | PutTag | SendMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that a campaign gives, in all its runs together; None for no limit."""

    points: int | None = None
    coupons: int | None = None
    fen: int | None = None
    """What it costs: points at the worth of a point, coupons at the most they take off."""
    members: int | None = None
    times_a_member: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one revision of a campaign says."""

    title: str
    audience: Condition
    """Copied from the segment it was chosen by."""
    trigger: Trigger
    actions: tuple[Action, ...]
    rules_text: str = ""
    """What members read before they take part (活动规则)."""
    segment_id: int | None = None
    """The segment that the condition was copied from, for people who look."""
    store_ids: frozenset[int] = frozenset()
    """Where it has entrances, and whose store an entrance names; the whole chain when empty."""
    caps: Caps = Caps()
    holdout_percent: int = 0
    """Of the audience, never given anything, to measure against; 0 to 50."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """Nothing is given at or after this instant."""
