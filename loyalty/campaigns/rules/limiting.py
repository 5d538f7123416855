"""Limiting: which counters bound what a campaign gives; they count by campaign and not by revision."""

from collections.abc import Mapping

from loyalty.campaigns.rules.terms import Caps
from loyalty.limits.rules import ALL, HOT_BUCKETS, TOTAL, Limit, member_entity

POINTS_TOTAL, COUPONS_TOTAL, FEN_TOTAL, MEMBERS_TOTAL = "points_total", "coupons_total", "fen_total", "members_total"
MEMBER_TIMES = "member_times"
CAP_OF = {POINTS_TOTAL: "points", COUPONS_TOTAL: "coupons", FEN_TOTAL: "fen", MEMBERS_TOTAL: "members"}
"""Of each total the cap that it goes by."""
UNLIMITED = 10**15
"""The ceiling of what is not limited: it is counted all the same, so that a later revision can cap it."""


def totals_of(caps: Caps, *, campaign_id: int) -> Mapping[str, Limit]:
    """Return what bounds a whole campaign, by name, in the order of locking."""
    limits = {name: _total(caps, name, campaign_id) for name in CAP_OF}
    return dict(sorted(limits.items(), key=lambda item: item[1].key))


def member_limit(caps: Caps, *, campaign_id: int, member_id: int) -> Limit:
    """Return what bounds how often one member takes part."""
    subject = f"campaign:{campaign_id}"
    return Limit(subject, member_entity(member_id), TOTAL, caps.times_a_member, MEMBER_TIMES)


def _total(caps: Caps, name: str, campaign_id: int) -> Limit:
    cap = getattr(caps, CAP_OF[name])
    subject = f"campaign_{CAP_OF[name]}:{campaign_id}"
    return Limit(subject, ALL, TOTAL, UNLIMITED if cap is None else cap, name, HOT_BUCKETS)
