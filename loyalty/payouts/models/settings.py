"""Tables of what holds for payouts: limits, the words of the scene, tax. Rows are revisions and never change."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.payouts.rules.tax import IncomeKind

_INCOME_KINDS = ", ".join(f"'{kind}'" for kind in IncomeKind)


class StoredProgramme(Base):
    """One row is a revision of the payout settings (提现设置); the latest holds. Never changes."""

    __tablename__ = "payout_programmes"
    __table_args__ = (
        CheckConstraint("minimum_fen >= 10", name="minimum_fen"),
        CheckConstraint("member_day_fen >= minimum_fen AND day_fen >= member_day_fen", name="day_fen"),
        CheckConstraint("approval_above_fen >= 0", name="approval_above_fen"),
        CheckConstraint("points_per_yuan > 0", name="points_per_yuan"),
        CheckConstraint("batch_day BETWEEN 1 AND 28", name="batch_day"),
        CheckConstraint(f"income_kind IN ({_INCOME_KINDS})", name="income_kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    minimum_fen: Mapped[int]
    member_day_fen: Mapped[int]
    day_fen: Mapped[int]
    approval_above_fen: Mapped[int]
    points_per_yuan: Mapped[int | None]
    batch_day: Mapped[int | None]
    income_kind: Mapped[str]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]


class StoredScene(Base):
    """One row is a revision of the words of the transfer scene (转账场景); the latest holds. Never changes."""

    __tablename__ = "payout_scenes"

    id: Mapped[int] = mapped_column(primary_key=True)
    scene_id: Mapped[str]
    remark: Mapped[str]
    perception: Mapped[str | None]
    report: Mapped[Json]
    """Kinds of information and what they say."""
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]


class TaxRate(Base):
    """One row is how tax on one kind of income is reckoned from a business date on (税率表); never changes."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint(f"income_kind IN ({_INCOME_KINDS})", name="income_kind"),
        Index("ix_tax_rates_live_from_on", "income_kind", "live_from_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    income_kind: Mapped[str]
    live_from_on: Mapped[date]
    table: Mapped[Json]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
