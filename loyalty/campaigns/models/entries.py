"""Tables of whom campaigns reach. A member enters an occurrence of a campaign once, whatever leads there."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.campaigns.rules.entries import EntryState, MissReason, TakingKind
from loyalty.kernel.database import Base

_STATES = ", ".join(f"'{state}'" for state in EntryState)
_REASONS = ", ".join(f"'{reason}'" for reason in MissReason)
_KINDS = ", ".join(f"'{kind}'" for kind in TakingKind)
_OF_A_MEMBER = {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}


class CampaignRun(Base):
    """One row is one time that a campaign goes to its audience: once, or each day or event that sets it off."""

    __tablename__ = "campaign_runs"
    __table_args__ = (UniqueConstraint("campaign_id", "occurrence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("campaign_revisions.id"))
    """In force when it began; all that it gives goes by it."""
    occurrence: Mapped[str]
    """``once``, a business date, or ``open`` for what members and events set off one by one."""
    planned_for_at: Mapped[datetime]
    started_at: Mapped[datetime]


class CampaignEntry(Base):
    """One row is a member in an occurrence of a campaign (参与): held out, waiting, done, or missed and why."""

    __tablename__ = "campaign_entries"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(f"missed IN ({_REASONS})", name="missed"),
        CheckConstraint("(state = 'missed') = (missed IS NOT NULL)", name="missed_why"),
        CheckConstraint("points >= 0 AND coupons >= 0 AND cost_fen >= 0", name="figures"),
        CheckConstraint("owner_id IS NULL OR state = 'done'", name="owner_id"),
        Index("ix_campaign_entries_waiting", "run_id", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_campaign_entries_run_id", "run_id", "member_id"),
        Index("ix_campaign_entries_member_id", "member_id"),
        Index(
            "ix_campaign_entries_done_at",
            "done_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        {"info": _OF_A_MEMBER},
    )

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """From the members' own table in the statement that writes the row, so no foreign key is paid for."""
    occurrence: Mapped[str] = mapped_column(primary_key=True)
    """Of its run, or the event that set it off, as ``event:12``."""
    run_id: Mapped[int] = mapped_column(ForeignKey("campaign_runs.id"))
    revision_id: Mapped[int] = mapped_column(BigInteger)
    entrance_id: Mapped[int | None] = mapped_column(BigInteger)
    """Through which entrance the member came."""
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    """The store of the entrance, else where the member enrolled."""
    state: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    """Who was given it in the member's stead: whoever the member had been merged into by then."""
    missed: Mapped[str | None]
    """Why nothing was given: the limit that was hit, or what else stood against it."""
    due_at: Mapped[datetime]
    points: Mapped[int] = mapped_column(server_default=text("0"))
    coupons: Mapped[int] = mapped_column(server_default=text("0"))
    cost_fen: Mapped[int] = mapped_column(server_default=text("0"))
    entered_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class CampaignTaking(Base):
    """One row is what undoing a campaign found of one thing given to a member: taken back, and used before."""

    __tablename__ = "campaign_takings"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        CheckConstraint("taken >= 0 AND used >= 0", name="figures"),
        {"info": _OF_A_MEMBER},
    )

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    occurrence: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    taken: Mapped[int]
    """Points, coupons or tags that were taken back."""
    used: Mapped[int]
    """Points spent or expired, coupons used or lapsed: left as they are."""
    taken_at: Mapped[datetime]
