"""Tables of the ways into a campaign, and of who came."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.campaigns.rules.entries import EntranceKind
from loyalty.kernel.database import Base

_KINDS = ", ".join(f"'{kind}'" for kind in EntranceKind)


class CampaignEntrance(Base):
    """One row is a way into a campaign (入口): a link, a QR code of a store, an entry of a menu."""

    __tablename__ = "campaign_entrances"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        UniqueConstraint("token"),
        UniqueConstraint("campaign_id", "kind", "store_id", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    kind: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.id"))
    token: Mapped[str]
    """Stands in the address; guessing one leads nowhere but to a page that everybody may see."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class CampaignVisit(Base):
    """One row is somebody who came through an entrance; a member, where they were known by then."""

    __tablename__ = "campaign_visits"
    __table_args__ = (
        Index("ix_campaign_visits_entrance_id", "entrance_id", "visited_at"),
        Index("ix_campaign_visits_member_id", "member_id"),
        UniqueConstraint("once"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "anonymise"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entrance_id: Mapped[int] = mapped_column(ForeignKey("campaign_entrances.id"))
    once: Mapped[bytes] = mapped_column(LargeBinary)
    """Blind index of entrance, person and minute: the same visit counts once, and two visits tell nothing together."""
    member_id: Mapped[int | None] = mapped_column(BigInteger, info={"personal": True})
    visited_at: Mapped[datetime]
