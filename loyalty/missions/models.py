"""Tables of missions. What a published revision says never changes; what counted and what was paid keep theirs."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.missions.rules.counting import MissReason
from loyalty.missions.rules.terms import MissionEvent, MissionState

_EVENTS = ", ".join(f"'{event}'" for event in MissionEvent)
_STATES = ", ".join(f"'{state}'" for state in MissionState)
_REASONS = ", ".join(f"'{reason}'" for reason in MissReason)
_OF_A_MEMBER = {"member_data": {"merge": "custom", "export": True, "erase": "keep"}}


class Mission(Base):
    """One row is a mission (任务); its event never changes, what it says stands in its revisions."""

    __tablename__ = "missions"
    __table_args__ = (
        CheckConstraint(f"event IN ({_EVENTS})", name="event"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(
            "(state = 'draft') = (revision_id IS NULL) AND (state = 'draft') = (opened_at IS NULL)", name="opened_at"
        ),
        CheckConstraint("(state = 'stopped') = (stopped_at IS NOT NULL)", name="stopped_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("mission_revisions.id", name="fk_missions_revision", use_alter=True)
    )
    """The revision in force; empty while none is published."""
    opened_at: Mapped[datetime | None]
    """When it was first published: nothing of before counts."""
    stopped_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class MissionRevision(Base):
    """One row is a revision of a mission (任务版本): a draft until it is published, unchangeable from then on."""

    __tablename__ = "mission_revisions"
    __table_args__ = (
        UniqueConstraint("mission_id", "number"),
        Index("uq_mission_revisions_draft", "mission_id", unique=True, postgresql_where=text("published_at IS NULL")),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("(published_at IS NULL) = (published_by IS NULL)", name="published"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mission_id: Mapped[int] = mapped_column(ForeignKey("missions.id"))
    number: Mapped[int]
    terms: Mapped[Json]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]


class MissionCount(Base):
    """One row is an event that counted for a mission, or did not and why; a refund changes what it counts for."""

    __tablename__ = "mission_counts"
    __table_args__ = (
        Index("ix_mission_counts_period", "member_id", "mission_id", "period"),
        # Rows arrive in the order of time: a few pages of summary find a day among millions.
        Index("ix_mission_counts_recorded_at", "recorded_at", postgresql_using="brin"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint(f"missed IN ({_REASONS})", name="missed"),
        CheckConstraint("missed IS NULL OR amount = 0", name="missed_counts_nothing"),
        {"info": _OF_A_MEMBER},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    mission_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("missions.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    """The event, as ``source:key``."""
    period: Mapped[str]
    """A business date, a week such as ``2026-W11``, or ``total``."""
    counted_on: Mapped[date]
    amount: Mapped[int]
    """Times, fen or a day, by the mission's measure."""
    missed: Mapped[str | None]
    tier_level: Mapped[int]
    """The member's, when the event was first counted."""
    revision_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("mission_revisions.id"))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class MissionProgress(Base):
    """One row is how far a member is with a mission in a period: the sum of its counts, reckoned under this lock."""

    __tablename__ = "mission_progress"
    __table_args__ = (
        CheckConstraint("progress >= 0", name="progress"),
        Index("ix_mission_progress_mission_id", "mission_id"),
        {"info": _OF_A_MEMBER},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    mission_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("missions.id"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    progress: Mapped[int]
    refusals: Mapped[Json]
    """Targets, as text, whose reward was reached and could not be paid by itself; each with the code of why."""
    updated_at: Mapped[datetime]


class MissionReward(Base):
    """One row is a reward that a member got for a step; only that it was taken back is noted, once."""

    __tablename__ = "mission_rewards"
    __table_args__ = (
        Index(
            "uq_mission_rewards_standing",
            "member_id",
            "mission_id",
            "period",
            "target",
            unique=True,
            postgresql_where=text("reversed_at IS NULL"),
        ),
        Index("ix_mission_rewards_mission_id", "mission_id", "paid_at"),
        CheckConstraint("attempt > 0", name="attempt"),
        {"info": _OF_A_MEMBER},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    mission_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("missions.id"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Counts from 1: whoever reaches a step again after a refund took its reward back gets it again."""
    revision_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("mission_revisions.id"))
    reward: Mapped[Json]
    reference: Mapped[str]
    """Of the entry, the coupon or the cards that it is."""
    coupon_id: Mapped[int | None]
    idempotency_key: Mapped[str | None]
    """Of the claim; empty when it came by itself."""
    paid_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]
