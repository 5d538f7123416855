"""Tables of broadcasts.

A member is in a broadcast once. What an attempt is about is written, and committed, before WeChat is called.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.states import AttemptState, BroadcastState, Reason, RecipientState
from loyalty.kernel.database import Base, Json

_BROADCAST_STATES = ", ".join(f"'{state}'" for state in BroadcastState)
_RECIPIENT_STATES = ", ".join(f"'{state}'" for state in RecipientState)
_ATTEMPT_STATES = ", ".join(f"'{state}'" for state in AttemptState)
_REASONS = ", ".join(f"'{reason}'" for reason in Reason)
_SENT_OVER = ", ".join(f"'{channel}'" for channel in (Channel.SUBSCRIPTION, Channel.CUSTOMER))


class Broadcast(Base):
    """One row is one message to many members (推送任务); what it says never changes."""

    __tablename__ = "broadcasts"
    __table_args__ = (
        UniqueConstraint("subject"),
        CheckConstraint(f"state IN ({_BROADCAST_STATES})", name="state"),
        Index("ix_broadcasts_running", "id", postgresql_where=text("state = 'running'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    """What it is about, such as ``campaign_run:12``; a second one for it is not made."""
    title: Mapped[str]
    body: Mapped[str]
    link: Mapped[str | None]
    page: Mapped[str | None]
    channels: Mapped[list[str]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default=text("'running'"))
    error: Mapped[str | None]
    """What WeChat refused for everybody, for a broadcast that was paused by it."""
    members_total: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]


class Recipient(Base):
    """One row is one member in one broadcast."""

    __tablename__ = "broadcast_recipients"
    __table_args__ = (
        UniqueConstraint("broadcast_id", "member_id"),
        UniqueConstraint("token"),
        CheckConstraint(f"state IN ({_RECIPIENT_STATES})", name="state"),
        CheckConstraint(f"reason IN ({_REASONS})", name="reason"),
        CheckConstraint(f"channel IN ({_SENT_OVER})", name="channel"),
        CheckConstraint("(state = 'sent') <= (channel IS NOT NULL)", name="sent_over"),
        Index(
            "ix_broadcast_recipients_waiting",
            "broadcast_id", "due_at", "id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_broadcast_recipients_ready",
            "broadcast_id", "due_at", "id",
            postgresql_where=text("state = 'ready'"),
        ),
        Index("ix_broadcast_recipients_member_id", "member_id"),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "keep"}}},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    token: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
    """What the link in the message says; whoever has it, has got the message."""
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    reason: Mapped[str | None]
    """Why there was no push."""
    channel: Mapped[str | None]
    """Of the latest attempt."""
    due_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    counted_on: Mapped[date | None]
    """The business date on which it was counted against the member's caps."""
    clicked_at: Mapped[datetime | None]


class Attempt(Base):
    """One row is one step of one recipient: the attempt to send to one identity over one channel."""

    __tablename__ = "broadcast_attempts"
    __table_args__ = (
        UniqueConstraint("recipient_id", "step"),
        UniqueConstraint("recipient_id", "channel", "identity_id"),
        CheckConstraint(f"state IN ({_ATTEMPT_STATES})", name="state"),
        CheckConstraint(f"channel IN ({_SENT_OVER})", name="channel"),
        CheckConstraint("(channel = 'subscription') = (template_id IS NOT NULL)", name="template_id"),
        Index("ix_broadcast_attempts_identity_id", "identity_id"),
        Index("ix_broadcast_attempts_sending", "started_at", postgresql_where=text("state = 'sending'")),
        Index("ix_broadcast_attempts_provider_message_id", "provider_message_id", "identity_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("broadcast_recipients.id"))
    step: Mapped[int]
    channel: Mapped[str]
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id", ondelete="CASCADE"))
    template_id: Mapped[str | None]
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=text("1"))
    started_at: Mapped[datetime]
    """Of the latest try."""
    settled_at: Mapped[datetime | None]
    provider_message_id: Mapped[str | None]
    reason: Mapped[str | None]
    errcode: Mapped[int | None]
    """WeChat's own figure, for people who look; no code decides by it."""
    detail: Mapped[str | None]


class MarketingCount(Base):
    """One row is how many marketing messages a member was counted for, on the latest day and in its week."""

    __tablename__ = "marketing_counts"
    __table_args__ = (
        CheckConstraint("day_count >= 0 AND week_count >= day_count", name="counts"),
        # Room on the page, so that counting needs no new index entries.
        {
            "info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}},
            "postgresql_with": {"fillfactor": 50},
        },
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True, autoincrement=False)
    day_on: Mapped[date]
    day_count: Mapped[int]
    week_on: Mapped[date]
    """The Monday of the week."""
    week_count: Mapped[int]


class ChannelClosure(Base):
    """One row is until when nothing more goes over a channel of an account: the platform said stop."""

    __tablename__ = "channel_closures"

    appid: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    reopens_at: Mapped[datetime]
    reason: Mapped[str]
    closed_at: Mapped[datetime]


class PushPolicyRow(Base):
    """One row is a push policy (推送策略) somebody saved; the latest holds. Never changes."""

    __tablename__ = "push_policies"

    id: Mapped[int] = mapped_column(primary_key=True)
    policy: Mapped[Json]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
