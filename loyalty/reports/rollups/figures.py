"""What the figures of a board are, and what they are called."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Self

ONLINE = 0
"""Stands for no store: who enrolled online, and what was bought or used there; headquarters alone sees it."""
SLEEPING_AFTER = timedelta(days=90)
"""A member who did nothing for so long sleeps (沉睡会员)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened on a day, or on several together, at a store, or at several.

    Members and what they do count at the store that enrolled them, purchases and uses of coupons where they happened,
    campaigns at the store whose entrance a member came through, else at that which enrolled them.
    """

    points_issued: int = 0
    """What rules and people gave."""
    points_spent: int = 0
    points_expired: int = 0
    points_deducted: int = 0
    """What people took away."""
    points_reversed: int = 0
    """冲正, signed: what reversals gave back less what they took back."""
    points_moved: int = 0
    """What merges moved between stores, signed; over the whole chain it is 0."""
    new_members: int = 0
    active_members: int = 0
    """Who checked in, bought or used a coupon, each once a day."""
    check_ins: int = 0
    coupons_issued: int = 0
    coupons_used: int = 0
    """Without uses that were reversed."""
    coupon_revenue_fen: int = 0
    """What members paid for baskets with a coupon."""
    coupon_discount_fen: int = 0
    purchases: int = 0
    """Orders of which something is left."""
    purchases_fen: int = 0
    """Net of refunds, on the day of the purchase."""
    campaign_reached: int = 0
    """How often campaigns gave a member what they give, at the store of the entry."""

    @classmethod
    def sum_of(cls, parts: "Iterable[Figures]") -> Self:
        """Return all of them together."""
        known = list(parts)
        return cls(**{name: sum(getattr(part, name) for part in known) for name in FIGURES})


FIGURES = tuple(field.name for field in fields(Figures))
POINTS = tuple(name for name in FIGURES if name.startswith("points_"))
FACTS = tuple(name for name in FIGURES if name not in POINTS)
LABELS = {
    "new_members": "新会员",
    "active_members": "活跃会员",
    "check_ins": "签到",
    "points_issued": "发放积分",
    "points_spent": "使用积分",
    "points_expired": "过期积分",
    "points_deducted": "扣减积分",
    "points_reversed": "冲正净额",
    "points_moved": "合并转移",
    "coupons_issued": "发券",
    "coupons_used": "用券",
    "coupon_revenue_fen": "用券实付",
    "coupon_discount_fen": "优惠成本",
    "purchases": "消费笔数",
    "purchases_fen": "消费净额",
    "campaign_reached": "活动触达",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stood at some stores when they were last counted."""

    members: int = 0
    sleeping_members: int = 0
    points_balance: int = 0
    """未兑付积分: what members hold and is owed to them."""
    points_held: int = 0
    points_debt: int = 0
    counted_at: datetime | None = None
