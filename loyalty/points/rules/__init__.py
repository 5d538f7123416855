"""Points rules: kinds of entries, which lots a debit draws on, what a reversal undoes, when points expire.

Nothing here reads a table or a clock. Points are whole numbers.
"""

from loyalty.points.rules.errors import (
    EntryNotFound,
    EntryNotReversible,
    InsufficientPoints,
    InvalidPoints,
    ReversalExceedsEntry,
)
from loyalty.points.rules.holds import (
    HOLD_LIFETIME_MAX,
    CaptureExceedsHold,
    HoldClosed,
    HoldNotFound,
    HoldReferenceReused,
    InvalidHoldPeriod,
    check_hold_period,
    state_at,
)
from loyalty.points.rules.kinds import EVENT_OF_KIND, POINTS_MAX, EntryKind, HoldState, Shortfall
from loyalty.points.rules.lots import (
    LotDraw,
    OpenLot,
    check_points,
    draw_down,
    take_what_is_left,
)
from loyalty.points.rules.reversals import (
    RETURN_GRACE_DAYS,
    Missing,
    last_day_of_grace,
    points_to_undo,
    put_back,
    settle_missing,
)

__all__ = [
    "CaptureExceedsHold",
    "EVENT_OF_KIND",
    "EntryKind",
    "EntryNotFound",
    "EntryNotReversible",
    "HOLD_LIFETIME_MAX",
    "HoldClosed",
    "HoldNotFound",
    "HoldReferenceReused",
    "HoldState",
    "InsufficientPoints",
    "InvalidHoldPeriod",
    "InvalidPoints",
    "LotDraw",
    "Missing",
    "OpenLot",
    "POINTS_MAX",
    "RETURN_GRACE_DAYS",
    "ReversalExceedsEntry",
    "Shortfall",
    "check_hold_period",
    "check_points",
    "draw_down",
    "last_day_of_grace",
    "points_to_undo",
    "put_back",
    "settle_missing",
    "state_at",
    "take_what_is_left",
]
