"""States of templates, coupons and locks, and where a coupon stands at an instant."""

from datetime import datetime
from enum import StrEnum


class TemplateState(StrEnum):
    """Where a template stands; its claim window is a matter of its terms."""

    DRAFT = "draft"
    """Never published."""
    LIVE = "live"
    PAUSED = "paused"
    """Issues nothing for the time being (暂停发放)."""
    STOPPED = "stopped"
    """Issues nothing any more (停止发放); what was issued stays usable."""


class CouponState(StrEnum):
    """What was done with a coupon; what the clock did to it is ``Standing``."""

    ISSUED = "issued"
    LOCKED = "locked"
    REDEEMED = "redeemed"
    VOIDED = "voided"
    EXPIRED = "expired"
    """Lapsed, and noted by the nightly job."""


class IssuePath(StrEnum):
    """By which way a member got a coupon."""

    CLAIM = "claim"
    """In the coupon centre, for points too where the template has a price."""
    LINK = "link"
    CODE = "code"
    EARNING_RULE = "earning_rule"
    MISSION = "mission"
    REFERRAL = "referral"
    STAFF = "staff"
    PARTNER = "partner"
    BULK = "bulk"
    CAMPAIGN = "campaign"


class LockEnd(StrEnum):
    """How a lock ended."""

    REDEEMED = "redeemed"
    UNLOCKED = "unlocked"


class Standing(StrEnum):
    """Where a coupon stands at an instant, as its owner sees it."""

    UPCOMING = "upcoming"
    USABLE = "usable"
    LOCKED = "locked"
    USED = "used"
    LAPSED = "lapsed"
    VOIDED = "voided"


_FINAL = {
    CouponState.REDEEMED: Standing.USED,
    CouponState.VOIDED: Standing.VOIDED,
    CouponState.EXPIRED: Standing.LAPSED,
}


def standing(
    *, state: CouponState, usable_at: datetime, expires_at: datetime, locked_until_at: datetime | None, at: datetime
) -> Standing:
    """Return where a coupon stands: a period or a lock that is over counts as over, whether or not a job has run."""
    if state in _FINAL:
        return _FINAL[state]
    if locked_until_at is not None and at < locked_until_at:
        return Standing.LOCKED
    if at >= expires_at:
        return Standing.LAPSED
    return Standing.USABLE if usable_at <= at else Standing.UPCOMING
