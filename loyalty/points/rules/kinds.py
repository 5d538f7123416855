"""Kinds: what an entry records, where a hold stands, and what happens when a reversal finds too little."""

from collections.abc import Mapping
from enum import StrEnum

POINTS_MAX = 1_000_000_000
"""The most that one posting may move: far above any award, far below where sums could overflow."""


class EntryKind(StrEnum):
    """What an entry (积分流水) records."""

    EARN = "earn"
    SPEND = "spend"
    EXPIRE = "expire"
    REVERSE = "reverse"
    """冲正: undoes another entry, wholly or in part."""
    ADJUST = "adjust"
    TRANSFER = "transfer"
    """One half of moving a merged member's points to the survivor."""


class HoldState(StrEnum):
    """Where a hold (冻结) stands; only a placed one still binds points."""

    PLACED = "placed"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Shortfall(StrEnum):
    """What happens when a reversal takes back more than the member still has."""

    REFUSE = "refuse"
    """Nothing is taken and the caller is told."""
    CLAMP = "clamp"
    """What is there is taken, the rest is forgiven and stands in the entry's explanation."""
    NEGATIVE = "negative"
    """What is there is taken, the rest is owed: the member sees a balance below zero."""
    OFFSET_NEXT_EARN = "offset_next_earn"
    """What is there is taken, the rest is owed: the member is told that the next points pay for it."""


EVENT_OF_KIND: Mapping[EntryKind, str] = {
    EntryKind.EARN: "points.earned",
    EntryKind.SPEND: "points.spent",
    EntryKind.REVERSE: "points.reversed",
    EntryKind.ADJUST: "points.adjusted",
}
"""What other modules hear of; a transfer between two halves of one person is not news to them."""
