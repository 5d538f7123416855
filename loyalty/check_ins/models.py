"""Tables of check-ins and of the cards that make missed days up. Revisions of plan and policy never change."""

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
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
    """One row is a member's check-in on a business date and what it paid; only its streak changes, by days made up.

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
    make_up_card_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("make_up_cards.id"))
    """The card that made this day up afterwards; such a day pays nothing."""
    checked_in_at: Mapped[datetime]


class MakeUpPolicy(Base):
    """One row is a revision of the rules of making up (补签规则); the last one is in force."""

    __tablename__ = "make_up_policies"
    __table_args__ = (
        CheckConstraint("days_back >= 0", name="days_back"),
        CheckConstraint("month_limit > 0", name="month_limit"),
        CheckConstraint("card_price > 0", name="card_price"),
    )

    revision: Mapped[int] = mapped_column(Identity(), primary_key=True)
    days_back: Mapped[int]
    """How many days ago a day may be that is made up; nothing can be when 0."""
    month_limit: Mapped[int]
    """How many days a member may make up in a calendar month."""
    card_price: Mapped[int | None]
    """What a card costs in points; empty when none are sold."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class MakeUpCard(Base):
    """One row is a make-up card (补签卡) of a member; used once, or withdrawn with the prize that it was."""

    __tablename__ = "make_up_cards"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        Index(
            "ix_make_up_cards_unused",
            "member_id",
            "id",
            postgresql_where=text("used_at IS NULL AND withdrawn_at IS NULL"),
        ),
        CheckConstraint("(used_on IS NULL) = (used_at IS NULL)", name="used_on"),
        CheckConstraint("used_at IS NULL OR withdrawn_at IS NULL", name="withdrawn_at"),
        CheckConstraint("points_paid >= 0", name="points_paid"),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    reference: Mapped[str]
    """What it came from, as ``source:key``, counted from :2 on where that gave several."""
    points_paid: Mapped[int]
    granted_at: Mapped[datetime]
    used_on: Mapped[date | None]
    """The business date that it made up."""
    used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
