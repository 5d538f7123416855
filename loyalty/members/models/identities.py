"""Tables of who somebody is to WeChat and to us: identities, log-ins, codes sent to phones."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.members.models.checks import one_of
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.sms_codes import CodePurpose


class Identity(Base):
    """One row is one person as one account of ours sees them; without a member, a visitor (访客)."""

    __tablename__ = "identities"
    __table_args__ = (
        one_of("kind", IdentityKind),
        Index("uq_identities_appid_openid", "appid", "openid", unique=True),
        Index("ix_identities_member_id", "member_id"),
        Index("ix_identities_unionid", "unionid", postgresql_where=text("unionid IS NOT NULL")),
        # Who is reached, for counting.
        Index(
            "ix_identities_following",
            "member_id",
            postgresql_include=["appid"],
            postgresql_where=text("kind = 'oa' AND is_following AND member_id IS NOT NULL"),
        ),
        Index(
            "ix_identities_mini_program",
            "id",
            postgresql_include=["member_id", "appid"],
            postgresql_where=text("kind = 'mp' AND member_id IS NOT NULL"),
        ),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "anonymise"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str]
    openid: Mapped[str] = mapped_column(info={"personal": True})
    unionid: Mapped[str | None] = mapped_column(info={"personal": True})
    kind: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    is_following: Mapped[bool] = mapped_column(server_default=text("false"))
    followed_at: Mapped[datetime | None]
    unfollowed_at: Mapped[datetime | None]
    follow_scene: Mapped[str | None]
    first_seen_at: Mapped[datetime]


class MemberSession(Base):
    """One row is one log-in; the token itself is known to its holder alone."""

    __tablename__ = "member_sessions"
    __table_args__ = (
        one_of("door", Door),
        Index("uq_member_sessions_token_hash", "token_hash", unique=True),
        Index("ix_member_sessions_identity_id", "identity_id"),
        Index("ix_member_sessions_expires_at", "expires_at"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "delete"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(info={"personal": True})
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    door: Mapped[str]
    opened_at: Mapped[datetime]
    renewed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SmsCode(Base):
    """One row is one code (短信验证码) sent to one phone for one identity; also what limits count."""

    __tablename__ = "sms_codes"
    __table_args__ = (
        one_of("purpose", CodePurpose),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_sms_codes_phone_index", "phone_index", "requested_at"),
        Index("ix_sms_codes_identity_id", "identity_id", "requested_at"),
        Index("ix_sms_codes_device_index", "device_index", "requested_at"),
        Index("ix_sms_codes_ip_index", "ip_index", "requested_at"),
        Index("ix_sms_codes_requested_at", "requested_at"),
        {"info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    purpose: Mapped[str]
    phone_index: Mapped[bytes] = mapped_column(info={"personal": True})
    code_hmac: Mapped[bytes] = mapped_column(info={"personal": True})
    device_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    ip_index: Mapped[bytes] = mapped_column(info={"personal": True})
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    consumed_at: Mapped[datetime | None]
