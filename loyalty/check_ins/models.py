"""Tables of check-ins. A plan's revision never changes, so that what it paid can be explained for ever."""

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json


class CheckInPlan(Base):
    """One row is a revision of the check-in plan (签到方案), in force from a business date until a later one is."""

    __tablename__ = "check_in_plans"
    __table_args__ = (
        CheckConstraint("cardinality(points_by_day) > 0", name="points_by_day"),
        CheckConstraint("growth >= 0", name="growth"),
        CheckConstraint("valid_days >= 0", name="valid_days"),
        Index("ix_check_in_plans_live_from_on", "live_from_on", "revision"),
    )

    revision: Mapped[int] = mapped_column(Identity(), primary_key=True)
    points_by_day: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    bonus_by_day: Mapped[Json]
    """Days of the cycle, as text, and their extra points."""
    growth: Mapped[int]
    valid_days: Mapped[int | None]
    live_from_on: Mapped[date]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class CheckIn(Base):
    """One row is a member's check-in on a business date and what it paid; nothing of it changes.

    Its ledger entry is the one with the reference ``check_in:<date>``; there is none when the day paid no points.
    """

    __tablename__ = "check_ins"
    __table_args__ = (
        Index(
            "uq_check_ins_member_id_idempotency_key",
            "member_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        # Rows arrive day by day: a few pages of summary find a date among millions.
        Index("ix_check_ins_checked_in_on", "checked_in_on", postgresql_using="brin"),
        CheckConstraint("streak > 0", name="streak"),
        CheckConstraint("base >= 0 AND bonus >= 0 AND growth >= 0", name="award"),
        {"info": {"member_data": {"merge": "custom", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    checked_in_on: Mapped[date] = mapped_column(primary_key=True)
    streak: Mapped[int]
    """How many days without a gap this check-in reached."""
    base: Mapped[int]
    bonus: Mapped[int]
    growth: Mapped[int]
    plan_revision: Mapped[int]
    """No foreign key: each check-in would lock the one live row. Revisions are never deleted."""
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    idempotency_key: Mapped[str | None]
    checked_in_at: Mapped[datetime]
