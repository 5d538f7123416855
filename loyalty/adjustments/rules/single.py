"""Single adjustments: why points are moved by hand, and how many at once without a second person."""

from datetime import date
from enum import StrEnum

from loyalty.kernel.errors import InvalidInput

SINGLE_POINTS_MAX = 10_000
"""What one person may give or take alone; more goes by a batch, which another person approves."""

YEAR_MAX = 2200


class Reason(StrEnum):
    """Why points are adjusted; entries keep the code, never free text about a person."""

    CORRECTION = "correction"
    SERVICE_RECOVERY = "service_recovery"
    CAMPAIGN = "campaign"
    GIFT = "gift"
    VIOLATION = "violation"


class AdjustmentTooLarge(InvalidInput):
    """More than one person may move alone."""

    code = "adjustment_too_large"
    message = "单次调整不能超过 10,000 积分，更多请使用批量调整并由他人复核"


class InvalidAdjustmentExpiry(InvalidInput):
    """The points would have expired before they are given, or outlive everybody."""

    code = "invalid_adjustment_expiry"
    message = "到期日不能早于今天，也不能晚于 2200 年"


def check_expiry(expires_on: date | None, *, today: date) -> None:
    """Refuse a last day that makes no sense.

    Raises:
        InvalidAdjustmentExpiry: it is past, or after ``YEAR_MAX``.
    """
    if expires_on is not None and (expires_on < today or expires_on.year > YEAR_MAX):
        raise InvalidAdjustmentExpiry(expires_on=expires_on.isoformat())


def check_single(points: int) -> None:
    """Refuse a single adjustment that asks for a second person.

    Raises:
        AdjustmentTooLarge: its points exceed ``SINGLE_POINTS_MAX`` in either direction.
    """
    if abs(points) > SINGLE_POINTS_MAX:
        raise AdjustmentTooLarge(points=points, points_max=SINGLE_POINTS_MAX)
