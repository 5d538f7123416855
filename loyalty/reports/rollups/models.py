"""Tables of roll-ups: derived from other tables, so that any row of them may be deleted and counted again."""

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Identity, String, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class PointsOfDay(Base):
    """One row sums the entries of one business date (when they occurred) for members of one store.

    It holds every entry up to the watermark and none behind it. ``store_id`` is 0 for members without a store.
    """

    __tablename__ = "points_by_day"

    business_on: Mapped[date] = mapped_column(primary_key=True)
    store_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entries: Mapped[int]
    points_issued: Mapped[int]
    points_spent: Mapped[int]
    points_expired: Mapped[int]
    points_deducted: Mapped[int]
    points_reversed: Mapped[int]
    points_moved: Mapped[int]


class FactsOfDay(Base):
    """One row counts what else happened on one business date at one store, 0 for none; replaced as a whole."""

    __tablename__ = "facts_by_day"

    business_on: Mapped[date] = mapped_column(primary_key=True)
    store_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    new_members: Mapped[int]
    active_members: Mapped[int]
    check_ins: Mapped[int]
    coupons_issued: Mapped[int]
    coupons_used: Mapped[int]
    coupon_revenue_fen: Mapped[int]
    coupon_discount_fen: Mapped[int]
    purchases: Mapped[int]
    purchases_fen: Mapped[int]
    campaign_reached: Mapped[int]


class StandingOfStore(Base):
    """One row is how the members of one store stood when they were last counted; replaced as a whole."""

    __tablename__ = "store_standings"

    store_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    members: Mapped[int]
    sleeping_members: Mapped[int]
    points_balance: Mapped[int]
    points_held: Mapped[int]
    points_debt: Mapped[int]
    counted_at: Mapped[datetime]


class RollupState(Base):
    """The one row says how far the roll-ups reach; whoever changes a roll-up holds it."""

    __tablename__ = "rollup_state"
    __table_args__ = (
        CheckConstraint("id = 1", name="id"),
        CheckConstraint("rolled_until_id <= settled_until_id AND settled_until_id <= drawn_until_id", name="in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rolled_until_id: Mapped[int] = mapped_column(server_default=text("0"))
    """The watermark (水位): every entry up to this id is in ``points_by_day``."""
    settled_until_id: Mapped[int] = mapped_column(server_default=text("0"))
    """No transaction can still write an entry up to this id."""
    drawn_until_id: Mapped[int] = mapped_column(server_default=text("0"))
    """The last id that had been drawn when the writers were noted."""
    waits_for: Mapped[list[str]] = mapped_column(ARRAY(String), server_default=text("'{}'"))
    """Transactions that may have drawn such an id and were still under way."""
    counted_on: Mapped[date | None]
    """Days before this one are in ``facts_by_day``; this and later ones are counted when they are read."""


class DayToRecount(Base):
    """One row notes a fact that changed on a business date counted long ago; deleted when the day is counted again."""

    __tablename__ = "days_to_recount"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    business_on: Mapped[date]
    noted_at: Mapped[datetime]
