"""Table of the settings of campaigns."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class StoredCampaignSettings(Base):
    """One row is a revision of the settings of campaigns (活动参数); the latest holds. Never changes."""

    __tablename__ = "campaign_settings"
    __table_args__ = (
        CheckConstraint("approval_above_fen >= 0", name="approval_above_fen"),
        CheckConstraint("points_per_yuan > 0", name="points_per_yuan"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    approval_above_fen: Mapped[int]
    points_per_yuan: Mapped[int]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
