"""Tables of checkout: how points pay, and which points paid for which order."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.points.rules import Shortfall

_SHORTFALLS = ", ".join(f"'{shortfall}'" for shortfall in Shortfall if shortfall is not Shortfall.REFUSE)


class StoredPolicy(Base):
    """One row is a revision of the checkout policy (积分抵现与退款设置); the latest holds. Never changes."""

    __tablename__ = "checkout_policies"
    __table_args__ = (
        CheckConstraint("points_per_yuan > 0", name="points_per_yuan"),
        CheckConstraint("share_max_percent BETWEEN 1 AND 100", name="share_max_percent"),
        CheckConstraint("points_step > 0 AND points_max >= points_step", name="points_step"),
        CheckConstraint("hold_minutes > 0", name="hold_minutes"),
        CheckConstraint(f"shortfall IN ({_SHORTFALLS})", name="shortfall"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    is_accepting_points: Mapped[bool]
    points_per_yuan: Mapped[int]
    share_max_percent: Mapped[int]
    points_max: Mapped[int]
    points_step: Mapped[int]
    hold_minutes: Mapped[int]
    shortfall: Mapped[str]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]


class PointsPayment(Base):
    """One row is points that pay for a part of an order (积分抵现), set aside until the order comes.

    What the points are worth was fixed when they were set aside; only the order and what was returned change.
    """

    __tablename__ = "points_payments"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        Index("uq_points_payments_order_id", "order_id", unique=True, postgresql_where=text("order_id IS NOT NULL")),
        CheckConstraint("points > 0 AND amount_fen > 0", name="points"),
        CheckConstraint("returned_points >= 0 AND returned_points <= points", name="returned_points"),
        CheckConstraint("(order_id IS NULL) = (entry_id IS NULL)", name="entry_id"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    """Whose account pays; after a merge the entry stays where it is."""
    reference: Mapped[str]
    points: Mapped[int]
    amount_fen: Mapped[int]
    order_amount_fen: Mapped[int]
    """Of the order as it was quoted."""
    order_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("orders.id"))
    entry_id: Mapped[int | None]
    """The ledger entry that took the points."""
    returned_points: Mapped[int] = mapped_column(server_default=text("0"))
    held_at: Mapped[datetime]
    expires_at: Mapped[datetime]
