"""What may become of a member in a campaign, and the ways in."""

from enum import StrEnum


class EntryState(StrEnum):
    """Where a member stands in an occurrence of a campaign."""

    HELD_OUT = "held_out"
    """One of those who are given nothing, to measure against (对照组)."""
    WAITING = "waiting"
    DONE = "done"
    MISSED = "missed"


class MissReason(StrEnum):
    """Why a member who entered was given nothing."""

    MEMBER_GONE = "member_gone"
    """Closed, merged into somebody who is in it too, or no longer in the audience when it was due."""
    NOT_IN_AUDIENCE = "not_in_audience"
    POINTS_TOTAL = "points_total"
    COUPONS_TOTAL = "coupons_total"
    FEN_TOTAL = "fen_total"
    MEMBERS_TOTAL = "members_total"
    MEMBER_TIMES = "member_times"
    COUPON_REFUSED = "coupon_refused"
    """The coupon was not being issued: paused, stopped, outside its dates or hours."""
    COUPON_STOCK = "coupon_stock"
    COUPON_LIMIT = "coupon_limit"
    """The member has as many of the coupon as one may have."""
    COUPON_NOT_FOR_MEMBER = "coupon_not_for_member"
    """The coupon is for others, by tier or tag."""
    CAMPAIGN_OVER = "campaign_over"


class TakingKind(StrEnum):
    """What undoing takes back."""

    POINTS = "points"
    COUPONS = "coupons"
    TAG = "tag"


class EntranceKind(StrEnum):
    """The ways into a campaign."""

    LINK = "link"
    QR = "qr"
    MENU = "menu"
