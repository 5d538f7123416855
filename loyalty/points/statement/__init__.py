"""The statement (积分明细): entries, lots, holds, and what each entry opened or drew on; reading only.

Every page is one statement and costs the same at any depth, for a member with a hundred entries or a hundred thousand.
"""

from loyalty.points.statement.entries import EntryView, Period, list_entries, month_period, read_entry
from loyalty.points.statement.holds import HoldLine, get_hold, list_holds
from loyalty.points.statement.lots import ExpiringSoon, LotState, LotView, expiring_soon, list_lots
from loyalty.points.statement.trace import DrawView, EntryTrace, trace_entry

__all__ = [
    "DrawView",
    "EntryTrace",
    "EntryView",
    "ExpiringSoon",
    "HoldLine",
    "LotState",
    "LotView",
    "Period",
    "expiring_soon",
    "get_hold",
    "list_entries",
    "list_holds",
    "list_lots",
    "month_period",
    "read_entry",
    "trace_entry",
]
