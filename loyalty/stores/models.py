"""Tables of stores. Nothing is deleted: points remember the store that issued them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.stores.rules import StoreKind

_KINDS = ", ".join(f"'{kind}'" for kind in StoreKind)


class Store(Base):
    """One row is one node of the tree; its kind, code and parent never change."""

    __tablename__ = "stores"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        CheckConstraint("(kind = 'headquarters') = (parent_id IS NULL)", name="parent"),
        Index("uq_stores_code", "code", unique=True),
        Index(
            "uq_stores_headquarters",
            "kind",
            unique=True,
            postgresql_where=text("kind = 'headquarters'"),
        ),
        Index("ix_stores_parent_id", "parent_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("stores.id"))
    code: Mapped[str]
    name: Mapped[str]
    address: Mapped[str | None]
    is_open: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
