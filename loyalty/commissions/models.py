"""Tables of commissions. What a published plan says never changes, and a commission keeps the revision that pays."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.commissions.rules.states import CommissionState, Why
from loyalty.kernel.database import Base, Json
from loyalty.orders.models import Order
from loyalty.referrals.models import Referral

_STATES = ", ".join(f"'{state}'" for state in CommissionState)
_REASONS = ", ".join(f"'{why}'" for why in Why)


class CommissionPlan(Base):
    """One row is a revision of the commission plan (佣金方案): a draft until published, then it never changes."""

    __tablename__ = "commission_plans"
    __table_args__ = (
        CheckConstraint("(published_at IS NULL) = (published_by IS NULL)", name="published"),
        CheckConstraint(
            "published_at IS NULL OR NOT definition ? 'second' OR acknowledged_text IS NOT NULL", name="acknowledged"
        ),
        Index(
            "uq_commission_plans_draft",
            "published_at",
            unique=True,
            postgresql_where=text("published_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    definition: Mapped[Json]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    acknowledged_text: Mapped[str | None]
    """The version of the warning that who published agreed to, where a second level is paid."""


class CommissionWatermark(Base):
    """The one row says up to which order all were looked at (水位); whoever looks at a page of them holds it."""

    __tablename__ = "commission_watermarks"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recorded_at: Mapped[datetime]
    order_id: Mapped[int]


class Commission(Base):
    """One row is what an order earned on a level (佣金), or missed and why; once for ever.

    A correction of the order reverses it and reckons it anew under the next serial; nothing else changes of it but how
    much was undone, and its state.
    """

    __tablename__ = "commissions"
    __table_args__ = (
        UniqueConstraint("order_id", "level"),
        CheckConstraint("level IN (1, 2)", name="level"),
        CheckConstraint("member_id <> referee_id", name="two_members"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(f"reason IN ({_REASONS})", name="reason"),
        CheckConstraint("(reason IS NULL) = (state IN ('pending', 'approved'))", name="reason_of_state"),
        CheckConstraint(f"limited_by IN ({_REASONS})", name="limited_by"),
        CheckConstraint("(state = 'missed') = (amount_fen = 0)", name="missed"),
        CheckConstraint("amount_fen >= 0 AND amount_fen <= base_fen", name="amount_fen"),
        CheckConstraint("reversed_fen >= 0 AND reversed_fen <= amount_fen", name="reversed_fen"),
        CheckConstraint(
            "CASE state WHEN 'reversed' THEN reversed_fen = amount_fen"
            " WHEN 'pending' THEN reversed_fen < amount_fen WHEN 'approved' THEN reversed_fen < amount_fen"
            " ELSE true END",
            name="undone",
        ),
        CheckConstraint("serial > 0", name="serial"),
        Index("ix_commissions_member_id", "member_id", "id"),
        Index("ix_commissions_referee_id", "referee_id"),
        Index("ix_commissions_referral_id", "referral_id"),
        Index("ix_commissions_paid_at", "paid_at"),
        Index("ix_commissions_pending", "approves_at", "id", postgresql_where=text("state = 'pending'")),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(Order.id))
    level: Mapped[int]
    serial: Mapped[int] = mapped_column(server_default=text("1"))
    order_version: Mapped[int]
    """The version of the order by which it was reckoned."""
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    """Who earns; after a merge the row stays and is read through the survivor."""
    referee_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    """The friend who bought."""
    referral_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(Referral.id))
    """The invitation of the friend."""
    plan_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(CommissionPlan.id))
    """The revision that pays."""
    state: Mapped[str]
    reason: Mapped[str | None]
    base_fen: Mapped[int]
    """What was paid in money for the goods that pay."""
    amount_fen: Mapped[int]
    reversed_fen: Mapped[int] = mapped_column(server_default=text("0"))
    limited_by: Mapped[str | None]
    """The cap that brought it down."""
    parts: Mapped[list[Any]] = mapped_column(JSONB)
    """Of each line that pays its number, its base and its amount in fen, which add up to the whole."""
    store_id: Mapped[int | None]
    paid_at: Mapped[datetime]
    """When the friend paid."""
    capped_on: Mapped[date]
    """The business date whose caps it counts for."""
    approves_at: Mapped[datetime]
    """When the refund window is over."""
    accrued_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
