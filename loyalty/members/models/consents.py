"""Tables of members' word: the texts they consent to, their consents, the notices they want."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.members.models.checks import one_of
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door


class PrivacyText(Base):
    """One row is one version of a text that people consent to; a published text never changes."""

    __tablename__ = "privacy_texts"
    __table_args__ = (one_of("purpose", Purpose),)

    purpose: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]
    published_at: Mapped[datetime]


class Consent(Base):
    """One row is one consent (同意) to one version of one text, and perhaps its withdrawal (撤回)."""

    __tablename__ = "consents"
    __table_args__ = (
        one_of("purpose", Purpose),
        one_of("channel", Door),
        Index(
            "uq_consents_given",
            "member_id",
            "purpose",
            "version",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    purpose: Mapped[str]
    version: Mapped[str]
    text_hash: Mapped[bytes]
    """SHA-256 of the text that was shown."""
    channel: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_channel: Mapped[str | None]


class NoticePreference(Base):
    """One row is a member's word on one kind of notice; no row means wanted."""

    __tablename__ = "notice_preferences"
    __table_args__ = ({"info": {"member_data": {"merge": "move", "export": True, "erase": "delete"}}},)

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    is_wanted: Mapped[bool]
    changed_at: Mapped[datetime]
