"""Tables of tiers. Growth entries are append-only: a trigger refuses every change, also to the owner."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class TierStep(Base):
    """One row is one step of the ladder (等级); headquarters may rename it and move its threshold."""

    __tablename__ = "tiers"
    __table_args__ = (
        UniqueConstraint("growth_threshold"),
        CheckConstraint("level > 0", name="level"),
        CheckConstraint("growth_threshold >= 0", name="growth_threshold"),
    )

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    growth_threshold: Mapped[int]


class MemberTier(Base):
    """One row is a member's growth (成长值), the sum of its entries, and the level reached."""

    __tablename__ = "member_tiers"
    __table_args__ = (
        CheckConstraint("growth >= 0", name="growth"),
        {"info": {"member_data": {"merge": "custom", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    growth: Mapped[int]
    level: Mapped[int]
    """No foreign key: a ladder may lose its top steps while members keep the level they reached."""
    since_at: Mapped[datetime]
    """When the level was reached."""


class GrowthEntry(Base):
    """One row is growth that one event brought, once by its reference; nothing of it changes."""

    __tablename__ = "growth_entries"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    growth: Mapped[int]
    """Signed: a transfer to a survivor takes it away here and adds it there."""
    reference: Mapped[str]
    recorded_at: Mapped[datetime]
