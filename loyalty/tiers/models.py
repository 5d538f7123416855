"""Tables of tiers. Growth entries are append-only: a trigger refuses every change, also to the owner."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.tiers.rules import Period, TierChangeCause


def _one_of(column: str, values: type[Period | TierChangeCause]) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


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
    benefits: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    """The fields of ``rules.Benefits``."""


class TierPolicy(Base):
    """The one row says how levels are evaluated (等级考核); without it ``DEFAULT_POLICY`` does."""

    __tablename__ = "tier_policies"
    __table_args__ = (
        CheckConstraint("id = 1", name="only"),
        _one_of("period", Period),
        CheckConstraint("months > 0", name="months"),
        CheckConstraint("grace_days >= 0", name="grace_days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period: Mapped[str]
    months: Mapped[int]
    grace_days: Mapped[int]
    time_zone: Mapped[str]
    saved_at: Mapped[datetime]


class MemberTier(Base):
    """One row is a member's growth (成长值), the sum of all its entries, and the level that growth reached."""

    __tablename__ = "member_tiers"
    __table_args__ = (
        CheckConstraint("growth >= 0", name="growth"),
        CheckConstraint("(manual_level IS NULL) = (manual_until_at IS NULL)", name="manual_level"),
        # For counting by level. Without the growth, which changes with every check-in.
        Index("ix_member_tiers_standing", "member_id", postgresql_include=["level", "manual_level", "manual_until_at"]),
        {"info": {"member_data": {"merge": "custom", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    growth: Mapped[int]
    level: Mapped[int]
    """No foreign key: a ladder may lose its top steps while members keep the level they reached."""
    since_at: Mapped[datetime]
    """When the level was reached."""
    grace_until_at: Mapped[datetime | None]
    """Until when the growth has to suffice again, where it no longer does."""
    manual_level: Mapped[int | None]
    """Set by staff (人工定级); counts where it is higher, until ``manual_until_at``."""
    manual_until_at: Mapped[datetime | None]


class GrowthEntry(Base):
    """One row is growth that one event brought or took back, once by its reference; nothing of it changes."""

    __tablename__ = "growth_entries"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        Index("ix_growth_entries_member_id_counted_at", "member_id", "counted_at", postgresql_include=["growth"]),
        Index(
            "ix_growth_entries_member_id_part_of",
            "member_id",
            "part_of",
            postgresql_where=text("part_of IS NOT NULL"),
        ),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    growth: Mapped[int]
    """Signed: a refund takes away what its purchase brought, a transfer moves what is left to a survivor."""
    reference: Mapped[str]
    part_of: Mapped[str | None]
    """The reference of the growth that this takes back or corrects; all of it counts at one instant."""
    counted_at: Mapped[datetime]
    """When what brought it happened: decides in which period it counts."""
    recorded_at: Mapped[datetime]


class TierChange(Base):
    """One row is one change of a member's level and why; it never changes, but erasure empties the reason."""

    __tablename__ = "tier_changes"
    __table_args__ = (
        _one_of("cause", TierChangeCause),
        Index("ix_tier_changes_member_id", "member_id", "id"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "anonymise"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    cause: Mapped[str]
    from_level: Mapped[int]
    to_level: Mapped[int]
    growth: Mapped[int]
    """That reached or kept levels at that moment."""
    until_at: Mapped[datetime | None]
    """When a level by hand ends."""
    actor: Mapped[str]
    reason_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "tier_changes.reason"})
    """What staff wrote: it may speak of the person."""
    changed_at: Mapped[datetime]
