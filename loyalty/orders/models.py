"""Tables of orders. What a source reported is never lost: a correction keeps the version it replaces."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.orders.rules import RefundState

_STATES = ", ".join(f"'{state}'" for state in RefundState)
_ABOUT_A_MEMBER = {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}


class Order(Base):
    """One row is one order in its latest version; source, number and member never change once they are known.

    Version 0 is an order of which only refunds have come so far: it has no member, no lines and no payment yet.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("source", "order_number"),
        CheckConstraint("version >= 0", name="version"),
        CheckConstraint("(version = 0) = (member_id IS NULL) AND (version = 0) = (paid_at IS NULL)", name="awaited"),
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
        CheckConstraint("refunded_fen >= 0 AND refunded_fen <= amount_fen", name="refunded_fen"),
        Index("ix_orders_member_id", "member_id", "paid_at"),
        Index("ix_orders_recorded_at", "recorded_at", "id"),
        Index("ix_orders_paid_at", "paid_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        {"info": _ABOUT_A_MEMBER},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source: Mapped[str]
    order_number: Mapped[str]
    version: Mapped[int]
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    """Who bought, as known then; after a merge the order stays and is read through the survivor."""
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    channel: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    amount_fen: Mapped[int] = mapped_column(server_default=text("0"))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"))
    is_refunded: Mapped[bool] = mapped_column(server_default=text("false"))
    """Nothing is left of it: it no longer counts as a purchase, such as the first."""
    recorded_at: Mapped[datetime]


class OrderVersion(Base):
    """One row is a version of an order that a correction replaced; nothing of it changes."""

    __tablename__ = "order_versions"

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    store_id: Mapped[int | None]
    channel: Mapped[str]
    paid_at: Mapped[datetime]
    amount_fen: Mapped[int]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime]
    replaced_at: Mapped[datetime]


class Refund(Base):
    """One row is one refund as reported; only its state changes, once, when its purchase comes after it."""

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("source", "refund_number"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
        Index("ix_refunds_order_id", "order_id"),
        Index("ix_refunds_member_id", "member_id"),
        {"info": _ABOUT_A_MEMBER},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source: Mapped[str]
    refund_number: Mapped[str]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    """The order's member; empty while the purchase has not come."""
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    refunded_at: Mapped[datetime]
    amount_fen: Mapped[int]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    state: Mapped[str]
    recorded_at: Mapped[datetime]
