"""Holdout (对照组): the share of an audience that is given nothing, so that what a campaign did can be told.

Chance, and yet the same whenever it is asked: who is held out follows from the campaign and the member alone. Whoever
is held out at some percent is so at every higher one. ``loyalty.campaigns.holding_out`` says the same in SQL.
"""

from hashlib import sha256

HOLDOUT_PERCENT_MAX = 50
_BYTES = 4


def is_held_out(campaign_id: int, member_id: int, percent: int) -> bool:
    """Tell whether a member is in the holdout of a campaign."""
    return sha256(drawn_from(campaign_id, member_id).encode()).digest() < threshold(percent)


def drawn_from(campaign_id: int, member_id: int | str) -> str:
    """Return the text whose digest is the member's draw."""
    return f"campaign:{campaign_id}:{member_id}"


def threshold(percent: int) -> bytes:
    """Return what digests of the held-out share are below, compared byte by byte."""
    return int(percent * 256**_BYTES // 100).to_bytes(_BYTES)
