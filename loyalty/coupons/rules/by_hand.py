"""Why staff give a coupon, take one away or undo a use by hand: one of a few reasons, never a personal word."""

from enum import StrEnum


class GiveReason(StrEnum):
    """Why a member is given a coupon."""

    APOLOGY = "apology"
    """For something that went wrong (服务补偿)."""
    MISSED = "missed"
    """It was owed and did not arrive (漏发补发)."""
    CARE = "care"
    """For no fault of ours (客户关怀)."""


class VoidReason(StrEnum):
    """Why a coupon is taken away."""

    MISTAKE = "mistake"
    """It was issued by mistake (发错)."""
    ABUSE = "abuse"
    """It was got unfairly (异常领取)."""
    REQUEST = "request"
    """The member wishes it (会员要求)."""


class ReverseReason(StrEnum):
    """Why a use is undone."""

    MISTAKE = "mistake"
    """The wrong coupon, or the wrong order (核销错误)."""
    CANCELLED = "cancelled"
    """The purchase was called off (订单取消)."""
