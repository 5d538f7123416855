"""Tables of channels."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json


class MessageTemplate(Base):
    """One row says how a kind of notice is put into a template (消息模板) of one account."""

    __tablename__ = "message_templates"
    __table_args__ = (
        UniqueConstraint("appid", "notice_kind", "channel"),
        CheckConstraint("channel IN ('template', 'subscription')", name="channel"),
        CheckConstraint("NOT (notice_kind = 'campaign' AND channel = 'template')", name="no_marketing"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str]
    notice_kind: Mapped[str]
    channel: Mapped[str]
    template_id: Mapped[str]
    """WeChat's id of the template in this account."""
    title: Mapped[str]
    mapping: Mapped[Json]
    """Template key to text with facts in braces, such as ``{"thing1": "{reason}"}``."""
    url: Mapped[str | None]
    mini_program_appid: Mapped[str | None]
    page: Mapped[str | None]
    """Page of the mini program that a tap opens."""
    is_enabled: Mapped[bool] = mapped_column(server_default=true())
    updated_at: Mapped[datetime]


class LibraryTemplate(Base):
    """One row is a template that an account has or had at WeChat (模板库); kept when it is gone there."""

    __tablename__ = "library_templates"
    __table_args__ = (UniqueConstraint("appid", "template_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str]
    template_id: Mapped[str]
    title: Mapped[str]
    content: Mapped[str]
    """Lines such as ``积分变动:{{number2.DATA}}``."""
    choices: Mapped[Json]
    """Of keys with reviewed values (enum, const): the values."""
    first_seen_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    """When it was found missing; None while the account has it."""


class LibrarySync(Base):
    """One row is how the latest look at an account's templates went."""

    __tablename__ = "library_syncs"
    __table_args__ = (CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name="failure"),)

    appid: Mapped[str] = mapped_column(primary_key=True)
    synced_at: Mapped[datetime | None]
    """Of the latest answer; None while WeChat never gave one."""
    failed_at: Mapped[datetime | None]
    """Of the latest failure since that answer."""
    failure: Mapped[str | None]
    """What it was, in Chinese."""


class Menu(Base):
    """One row is a version of an account's menu (自定义菜单); a published one never changes."""

    __tablename__ = "menus"
    __table_args__ = (
        Index("uq_menus_draft", "appid", unique=True, postgresql_where=text("published_at IS NULL")),
        Index("ix_menus_appid_published_at", "appid", "published_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str]
    buttons: Mapped[list[Any]] = mapped_column(JSONB)
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]


class KeywordReply(Base):
    """One row is a text an account answers with at once (自动回复)."""

    __tablename__ = "keyword_replies"
    __table_args__ = (
        UniqueConstraint("appid", "trigger", "keyword"),
        CheckConstraint("trigger IN ('welcome', 'exact', 'contains', 'click', 'default')", name="trigger"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str]
    trigger: Mapped[str]
    keyword: Mapped[str]
    """Empty for welcome and default; else normalised, but for the key of a menu button."""
    position: Mapped[int]
    """The lowest is tried first, among those that look for a keyword within a message."""
    text: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=true())
    updated_at: Mapped[datetime]


class Scene(Base):
    """One row is what a QR code (带参数二维码) of an account leads to; the key never changes."""

    __tablename__ = "scenes"
    __table_args__ = (
        UniqueConstraint("appid", "key"),
        Index("ix_scenes_subject_kind_subject_id", "subject_kind", "subject_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str]
    key: Mapped[str]
    """Random: the code shows it to everybody, so it must not tell or be guessed."""
    subject_kind: Mapped[str]
    """What it stands for, such as ``store`` or ``campaign``."""
    subject_id: Mapped[int]
    label: Mapped[str]
    ticket: Mapped[str | None]
    """None until WeChat has made the code."""
    url: Mapped[str | None]
    """What the code says; the image is drawn from it."""
    expires_at: Mapped[datetime | None]
    """None for a permanent code."""
    created_at: Mapped[datetime]


class StoredPush(Base):
    """One row is one push (消息推送) of WeChat, however often it was tried; deleted after some weeks."""

    __tablename__ = "stored_pushes"
    __table_args__ = (
        UniqueConstraint("appid", "dedup_index"),
        Index("ix_stored_pushes_openid_index", "openid_index"),
        Index("ix_stored_pushes_received_at", "received_at"),
        CheckConstraint("mode IN ('plain', 'compatible', 'safe')", name="mode"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str]
    dedup_index: Mapped[bytes] = mapped_column(LargeBinary)
    """Blind index of what is the same in every try."""
    openid_index: Mapped[bytes] = mapped_column(LargeBinary)
    """Blind index of the sender, so that erasure finds the row."""
    kind: Mapped[str]
    event: Mapped[str]
    """Empty for messages."""
    payload_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"sealed": "stored_pushes.payload"})
    mode: Mapped[str]
    reply_text: Mapped[str | None]
    """What the first try was answered, so that every other try is answered alike."""
    received_at: Mapped[datetime]
