"""Tables of what members bought, narrow copies of the orders made for counting; ``loyalty.segments.purchases`` fills
them. Nothing here is the only copy of anything.

A row stands as long as something of its order is left. ``bought_on`` is the business date of payment, ``member_id``
the survivor of whoever bought. Members and orders are not referred to by foreign keys: the rows come from theirs.
"""

from datetime import date

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class MemberPurchase(Base):
    """One row is a purchase that was not returned whole, and what is left of it in fen."""

    __tablename__ = "member_purchases"
    __table_args__ = (
        Index(
            "ix_member_purchases_bought_on",
            "bought_on",
            postgresql_include=["member_id", "net_fen", "store_id", "channel"],
        ),
        Index("ix_member_purchases_member_id", "member_id", "bought_on", postgresql_include=["net_fen"]),
        Index("ix_member_purchases_store_id", "store_id", "bought_on", postgresql_include=["member_id"]),
        {"info": {"member_data": {"merge": "move", "export": False, "erase": "keep"}}},
    )

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int]
    bought_on: Mapped[date]
    store_id: Mapped[int | None]
    channel: Mapped[str]
    net_fen: Mapped[int]


class MemberPurchaseLine(Base):
    """One row is a line of a purchase of which something is left."""

    __tablename__ = "member_purchase_lines"
    __table_args__ = (
        Index(
            "ix_member_purchase_lines_category",
            "category",
            "bought_on",
            postgresql_include=["member_id", "order_id", "net_fen"],
        ),
        Index(
            "ix_member_purchase_lines_sku",
            "sku",
            "bought_on",
            postgresql_include=["member_id", "order_id", "net_fen"],
        ),
        Index("ix_member_purchase_lines_member_id", "member_id"),
        {"info": {"member_data": {"merge": "move", "export": False, "erase": "keep"}}},
    )

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int]
    bought_on: Mapped[date]
    category: Mapped[str]
    sku: Mapped[str]
    net_fen: Mapped[int]


class MemberPurchaseTotal(Base):
    """One row sums up the purchases of a member who has any."""

    __tablename__ = "member_purchase_totals"
    __table_args__ = (
        # The whole row, in the order of members: counting joins it with others without a look at the table.
        PrimaryKeyConstraint("member_id", postgresql_include=["last_bought_on", "purchases", "net_fen"]),
        {"info": {"member_data": {"merge": "custom", "export": False, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
    purchases: Mapped[int]
    net_fen: Mapped[int]
    last_bought_on: Mapped[date]
