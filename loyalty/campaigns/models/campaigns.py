"""Tables of what campaigns say. What a published revision says never changes."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.campaigns.rules.terms import CampaignState
from loyalty.kernel.database import Base, Json

_STATES = ", ".join(f"'{state}'" for state in CampaignState)


class Campaign(Base):
    """One row is a campaign (活动); what it says stands in its revisions."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("(state IN ('ended', 'undone')) = (ended_at IS NOT NULL)", name="ended_at"),
        CheckConstraint("state IN ('draft', 'waiting') OR revision_id IS NOT NULL", name="revision_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    """Of the revision in force; of the draft while none is."""
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    template: Mapped[str | None]
    """The ready-made campaign it was begun from."""
    revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("campaign_revisions.id", name="fk_campaigns_revision", use_alter=True)
    )
    """The revision in force; empty while none is published."""
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class CampaignRevision(Base):
    """One row is a revision of a campaign (活动版本): a draft until it is published, unchangeable from then on."""

    __tablename__ = "campaign_revisions"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        Index("uq_campaign_revisions_draft", "campaign_id", unique=True, postgresql_where=text("published_at IS NULL")),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("(published_at IS NULL) = (published_by IS NULL)", name="published"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    number: Mapped[int]
    terms: Mapped[Json]
    forecast: Mapped[Json | None]
    """What was forecast when it was submitted, and again when it was approved: members, points, coupons, fen."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
