"""Rules of SMS codes (短信验证码): six digits, five minutes, five tries, and how many may be asked for.

Whether a phone is known is never looked at here, so no answer and no delay can tell it.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from loyalty.kernel.errors import InvalidInput, LimitReached

CODE_DIGITS = 6
CODE_LIFETIME = timedelta(minutes=5)
CODE_ATTEMPTS = 5
CODES_KEPT = timedelta(days=7)


class CodePurpose(StrEnum):
    """What a code proves the phone for; a code for one is no good for another."""

    BIND = "bind"
    CHANGE_PHONE = "change_phone"
    MERGE = "merge"


class LimitedBy(StrEnum):
    """What codes are counted by."""

    PHONE = "phone"
    MEMBER = "member"
    """A member through all their identities, a visitor through the one they have."""
    DEVICE = "device"
    IP = "ip"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``most`` codes within any ``window``."""

    by: LimitedBy
    window: timedelta
    most: int


RATE_LIMITS = (
    RateLimit(LimitedBy.PHONE, timedelta(minutes=1), 1),
    RateLimit(LimitedBy.PHONE, timedelta(hours=1), 5),
    RateLimit(LimitedBy.PHONE, timedelta(days=1), 10),
    RateLimit(LimitedBy.MEMBER, timedelta(hours=1), 8),
    RateLimit(LimitedBy.MEMBER, timedelta(days=1), 15),
    RateLimit(LimitedBy.DEVICE, timedelta(hours=1), 10),
    RateLimit(LimitedBy.DEVICE, timedelta(days=1), 20),
    RateLimit(LimitedBy.IP, timedelta(hours=1), 60),
    RateLimit(LimitedBy.IP, timedelta(days=1), 300),
)
"""Whole families and shops share an address (NAT), so it is counted generously."""


class TooManyCodes(LimitReached):
    """A rate limit is used up; ``retry_after_seconds`` is the longest that may have to pass."""

    code = "too_many_codes"
    message = "验证码获取过于频繁，请稍后再试"


class CodeWrong(InvalidInput):
    """The code does not fit, was used, tried too often or has expired; which is not told."""

    code = "sms_code_wrong"
    message = "验证码不正确或已过期"


def is_code(text: str) -> bool:
    """Tell whether a text has the shape of a code."""
    return len(text) == CODE_DIGITS and text.isascii() and text.isdigit()
