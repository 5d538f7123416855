"""Attribution (归因): for whom a new member counts, or why for nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.referrals.rules.states import Against


@dataclass(frozen=True, slots=True)
class AttributionFacts:
    """What is known of a new member and of who shared."""

    touched_at: datetime
    came_at: datetime
    enrolled_at: datetime
    """Earlier than ``came_at`` where a store had enrolled the phone before."""
    window: timedelta | None
    """Empty while no programme is in force."""
    is_channel_on: bool
    is_referrer_living: bool
    is_merged: bool
    """The new member was merged into an older one before this was asked."""
    is_self: bool
    is_circular: bool
    is_same_phone: bool
    is_blocked: bool


def reason_against(facts: AttributionFacts) -> Against | None:
    """Return why an invitation pays nothing from the start, if so."""
    is_late = facts.window is not None and facts.came_at - facts.touched_at > facts.window
    reasons = (
        (facts.is_self, Against.SELF),
        (facts.is_circular, Against.CIRCULAR),
        (facts.is_same_phone, Against.SAME_PHONE),
        (facts.is_merged or facts.enrolled_at < facts.touched_at, Against.ALREADY_A_MEMBER),
        (facts.is_blocked, Against.BLOCKLISTED),
        (not facts.is_referrer_living, Against.REFERRER_GONE),
        (facts.window is None, Against.NO_PROGRAMME),
        (is_late, Against.OUTSIDE_WINDOW),
        (not facts.is_channel_on, Against.CHANNEL_OFF),
    )
    return next((reason for is_so, reason in reasons if is_so), None)
