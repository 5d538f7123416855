"""States of a commission (佣金状态), and why one pays nothing or no longer."""

from enum import StrEnum

from loyalty.earnings.commission_words import REASONS


class CommissionState(StrEnum):
    """Where a commission stands."""

    PENDING = "pending"
    """Earned; the refund window is not over, or something has to be cleared first."""
    APPROVED = "approved"
    REVERSED = "reversed"
    """All of it was undone."""
    MISSED = "missed"
    """The purchase earned nothing, and why."""
    FORFEITED = "forfeited"
    """Given up with the membership."""


class Why(StrEnum):
    """Why a purchase earns nothing, or no longer."""

    FIRST_ORDER_ONLY = "first_order_only"
    MONTHS_OVER = "months_over"
    NOTHING_IN_SCOPE = "nothing_in_scope"
    REFUNDED = "refunded"
    CORRECTED = "corrected"
    CHANNEL_OFF = "channel_off"
    BLOCKLISTED = "blocklisted"
    EARNER_GONE = "earner_gone"
    NOT_INVITED = "not_invited"
    """The invitation turned out to be none: fraud, a circle, oneself."""
    ORDER_CAP = "order_cap"
    DAY_CAP = "day_cap"
    MONTH_CAP = "month_cap"


WORDS = {why: REASONS[why] for why in Why}
STATE_WORDS = {
    CommissionState.PENDING: "待结算",
    CommissionState.APPROVED: "已结算",
    CommissionState.REVERSED: "已冲回",
    CommissionState.MISSED: "未获得",
    CommissionState.FORFEITED: "已放弃",
}
STANDING = (CommissionState.PENDING, CommissionState.APPROVED)
"""States in which something may still be undone."""
