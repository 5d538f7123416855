"""Refusals of points: each with a code, and what a member or a clerk reads."""

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound


class InvalidPoints(InvalidInput):
    """The number of points is not a whole number above zero, or is absurdly large."""

    code = "invalid_points"
    message = "积分数量不正确"


class InsufficientPoints(Conflict):
    """The member's available points are fewer than asked for."""

    code = "insufficient_points"
    message = "可用积分不足"


class EntryNotFound(NotFound):
    """The member has no such entry."""

    code = "ledger_entry_not_found"
    message = "没有找到这笔积分流水"


class EntryNotReversible(Conflict):
    """The entry is itself a reversal, a transfer or an expiry, which nothing undoes."""

    code = "ledger_entry_not_reversible"
    message = "这笔积分流水不能冲正"


class ReversalExceedsEntry(Conflict):
    """The reversals of an entry together would undo more than it moved."""

    code = "reversal_exceeds_entry"
    message = "冲正的积分超过了原流水"
