"""Tables of expiry (积分到期): what members were told, what shows that it reached them, and the graces given.

Evidence and graces are append-only, as the ledger is: they are why points were allowed to expire.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.points.rules.expiry import GRACES_MAX

_LOT_KEY = ["lots.member_id", "lots.id"]
_MEMBER_DATA = {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}


class LotWarning(Base):
    """One row is one notice that told of one lot's last day (到期提醒); never changes."""

    __tablename__ = "lot_warnings"
    __table_args__ = (
        ForeignKeyConstraint(["member_id", "lot_id"], _LOT_KEY, name="fk_lot_warnings_lot"),
        {"info": _MEMBER_DATA},
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    expires_on: Mapped[date] = mapped_column(primary_key=True)
    """The last business date on which the points can be spent."""
    stage_days: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Which notice it was: that of so many days before."""
    notice_id: Mapped[int]
    """Without a foreign key: an erasure deletes the notice, and what was told stays known."""
    warned_at: Mapped[datetime]


class LotEvidence(Base):
    """One row shows that the member was told of a lot's last day; never changes."""

    __tablename__ = "lot_evidence"
    __table_args__ = (
        ForeignKeyConstraint(["member_id", "lot_id"], _LOT_KEY, name="fk_lot_evidence_lot"),
        {"info": _MEMBER_DATA},
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    expires_on: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str]
    """Over which channel WeChat accepted it; ``inbox`` when the member opened the inbox message."""
    notice_id: Mapped[int]
    reached_at: Mapped[datetime]
    found_at: Mapped[datetime]


class LotGrace(Base):
    """One row is one grace (延期): the lot's last day was moved since nothing showed that its member knew."""

    __tablename__ = "lot_graces"
    __table_args__ = (
        ForeignKeyConstraint(["member_id", "lot_id"], _LOT_KEY, name="fk_lot_graces_lot"),
        CheckConstraint(f"number BETWEEN 1 AND {GRACES_MAX}", name="number"),
        CheckConstraint("until_at > from_at", name="until_at"),
        {"info": _MEMBER_DATA},
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_at: Mapped[datetime]
    """When the points would have expired; before ``granted_at`` when the job came too late."""
    until_at: Mapped[datetime]
    granted_at: Mapped[datetime]


class PointsProgramme(Base):
    """One row is how long points live for which nothing else is said (默认有效期); the latest holds."""

    __tablename__ = "points_programmes"

    id: Mapped[int] = mapped_column(primary_key=True)
    expiry_policy: Mapped[Json]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
