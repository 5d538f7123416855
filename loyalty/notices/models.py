"""Tables of notices: the notices, their deliveries, the grants that pay for some, and the inbox.

Grant entries are appended, never edited; a grant balance is their sum and never negative.
"""

from datetime import datetime, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.notices.rules import DeliveryState, NoticeState

_MEMBER_DATA = {"member_data": {"merge": "move", "export": True, "erase": "delete"}}


def _one_of(column: str, values: type[NoticeState | DeliveryState]) -> str:
    allowed = ", ".join(f"'{value.value}'" for value in values)
    return f"{column} IN ({allowed})"


class Notice(Base):
    """One row is one thing a member is owed to hear; asked for once, never changed but for its state."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("member_id", "kind", "subject"),
        CheckConstraint(_one_of("state", NoticeState), name="state_known"),
        Index("ix_notices_due_at", "due_at", postgresql_where=text("state = 'queued'")),
        {"info": _MEMBER_DATA},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[str]
    subject: Mapped[str]
    """What it is about, such as ``entry:12``; a second request for it is ignored."""
    facts: Mapped[Json]
    state: Mapped[str]
    due_at: Mapped[datetime | None]
    """Not before this instant: quiet hours or the daily cap."""
    acted_at: Mapped[datetime | None]
    """When the member did what this answers; None when it answers no act of theirs."""
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class NoticeDelivery(Base):
    """One row is the attempt to send one notice to one identity over one channel of WeChat."""

    __tablename__ = "notice_deliveries"
    __table_args__ = (
        UniqueConstraint("notice_id", "channel", "identity_id"),
        CheckConstraint(_one_of("state", DeliveryState), name="state_known"),
        Index("ix_notice_deliveries_member_id_started_at", "member_id", "started_at"),
        Index("ix_notice_deliveries_provider_message_id", "provider_message_id", "identity_id"),
        Index("ix_notice_deliveries_sending", "started_at", postgresql_where=text("state = 'sending'")),
        Index("ix_notice_deliveries_unknown", "settled_at", postgresql_where=text("state = 'unknown'")),
        {"info": _MEMBER_DATA},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str]
    template_id: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("1"))
    started_at: Mapped[datetime]
    """When the latest attempt began; a stale attempt that is sent again keeps it."""
    resent_at: Mapped[datetime | None]
    """When an attempt without an answer was sent again with the same ``client_msg_id``."""
    settled_at: Mapped[datetime | None]
    provider_message_id: Mapped[str | None]
    reason: Mapped[str | None]
    errcode: Mapped[int | None]
    """WeChat's own figure, for people who look; no code decides by it."""
    detail: Mapped[str | None]


class SubscriptionGrant(Base):
    """One row is how many subscription messages of one template an identity still allows."""

    __tablename__ = "subscription_grants"
    __table_args__ = (CheckConstraint("balance >= 0", name="balance_not_negative"),)

    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id", ondelete="CASCADE"), primary_key=True)
    template_id: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[int]


class SubscriptionGrantEntry(Base):
    """One row is one change of a grant balance, or a second witness of the same tap (change 0)."""

    __tablename__ = "subscription_grant_entries"
    __table_args__ = (
        UniqueConstraint(
            "identity_id", "template_id", "source", "reference", name="uq_subscription_grant_entries_reference"
        ),
        UniqueConstraint("pair_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id", ondelete="CASCADE"))
    template_id: Mapped[str]
    source: Mapped[str]
    reference: Mapped[str]
    """The client's own key of a report, a push or a delivery; the same one counts once."""
    change: Mapped[int]
    balance_after: Mapped[int]
    pair_id: Mapped[int | None] = mapped_column(
        ForeignKey("subscription_grant_entries.id", name="fk_subscription_grant_entries_pair_id", ondelete="CASCADE")
    )
    """The entry of the other witness (client or WeChat) of the same tap."""
    recorded_at: Mapped[datetime]


class CustomerWindow(Base):
    """One row is how many customer messages (客服消息) an act of a person still allows us, and until when."""

    __tablename__ = "customer_windows"
    __table_args__ = (
        CheckConstraint("remaining >= 0", name="remaining"),
        Index("ix_customer_windows_expires_at", "expires_at"),
    )

    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id", ondelete="CASCADE"), primary_key=True)
    act: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
    remaining: Mapped[int]


class InboxMessage(Base):
    """One row is one message (站内消息) in a member's inbox; only ``read_at`` changes."""

    __tablename__ = "inbox_messages"
    __table_args__ = (
        UniqueConstraint("notice_id"),
        Index("ix_inbox_messages_member_id_id", "member_id", "id"),
        Index("ix_inbox_messages_unread", "member_id", postgresql_where=text("read_at IS NULL")),
        {"info": _MEMBER_DATA},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"))
    """Empty for marketing, which a broadcast sends."""
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    link: Mapped[str | None]
    """The path of ours that a tap opens."""
    page: Mapped[str | None]
    """The page of the mini program that a tap opens."""
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class NoticeKindSettings(Base):
    """One row is what headquarters set for one kind of notice; without a row its defaults hold."""

    __tablename__ = "notice_kinds"

    kind: Mapped[str] = mapped_column(primary_key=True)
    is_enabled: Mapped[bool]
    channels: Mapped[list[str]] = mapped_column(JSONB)
    is_own_act: Mapped[bool]
    changed_at: Mapped[datetime]


class QuietHoursRow(Base):
    """One row is quiet hours (免打扰) somebody saved; the latest hold. Never changes."""

    __tablename__ = "quiet_hours"

    id: Mapped[int] = mapped_column(primary_key=True)
    begins: Mapped[time]
    ends: Mapped[time]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
