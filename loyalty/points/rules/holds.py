"""Holds (冻结): what may be asked of one, and how it refuses."""

from datetime import datetime, timedelta

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound
from loyalty.points.rules.kinds import HoldState

HOLD_LIFETIME_MAX = timedelta(days=30)
"""The longest that points may be bound: a hold keeps them from expiring, and nobody may prolong them at will."""


class InvalidHoldPeriod(InvalidInput):
    """The hold would end before it begins, or bind points for longer than ``HOLD_LIFETIME_MAX``."""

    code = "invalid_hold_period"
    message = "积分冻结的截止时间不正确"


class HoldNotFound(NotFound):
    """The member has no hold under this reference."""

    code = "hold_not_found"
    message = "没有找到这笔积分冻结"


class HoldReferenceReused(Conflict):
    """The reference stands for another hold, capture or spend, with other figures."""

    code = "hold_reference_reused"
    message = "该单号已用于另一笔积分冻结"


class HoldClosed(Conflict):
    """The hold was captured, released or ran out before; ``state`` says which."""

    code = "hold_closed"
    message = "这笔积分冻结已结束"


class CaptureExceedsHold(Conflict):
    """More is to be captured than the hold binds."""

    code = "capture_exceeds_hold"
    message = "扣除的积分超过了冻结的积分"


def check_hold_period(*, at: datetime, expires_at: datetime) -> None:
    """Refuse a hold that ends at once or never.

    Raises:
        InvalidHoldPeriod: it does.
    """
    if not at < expires_at <= at + HOLD_LIFETIME_MAX:
        raise InvalidHoldPeriod(expires_at=expires_at.isoformat())


def state_at(state: HoldState, *, expires_at: datetime, at: datetime) -> HoldState:
    """Return where a hold stands at an instant: a placed one has run out from ``expires_at`` on."""
    return HoldState.EXPIRED if state is HoldState.PLACED and expires_at <= at else state
