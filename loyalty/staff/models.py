"""Tables of staff: accounts, their roles and scopes, their sessions, and tries to log in."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.staff.rules import Role

_ROLES = ", ".join(f"'{role}'" for role in Role)


class StaffAccount(Base):
    """One row is one person who may log in; never deleted, so that the audit log stays readable."""

    __tablename__ = "staff_accounts"
    __table_args__ = (
        CheckConstraint("username = lower(username)", name="username"),
        Index("uq_staff_accounts_username", "username", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    must_change_password: Mapped[bool] = mapped_column(server_default=text("true"))
    totp_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "staff_accounts.totp_sealed"})
    """The TOTP secret, sealed; asked for at log-in only once it was confirmed."""
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int] = mapped_column(server_default=text("0"))
    """The last time step whose code was used: no code works twice."""
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class StaffRole(Base):
    """One row is one role that one account holds."""

    __tablename__ = "staff_roles"
    __table_args__ = (CheckConstraint(f"role IN ({_ROLES})", name="role"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class StaffScope(Base):
    """One row lets one account see one node of the store tree and all below it."""

    __tablename__ = "staff_scopes"
    __table_args__ = (Index("ix_staff_scopes_store_id", "store_id"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), primary_key=True)


class StaffSession(Base):
    """One row is one browser that logged in; only the hash of its token is known."""

    __tablename__ = "staff_sessions"
    __table_args__ = (
        Index("uq_staff_sessions_token_hash", "token_hash", unique=True),
        Index("ix_staff_sessions_staff_id", "staff_id", postgresql_where=text("revoked_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    token_hash: Mapped[bytes]
    awaits_totp: Mapped[bool]
    """The password was right and the one-time code is still owed; opens nothing else."""
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ip: Mapped[str | None]
    revoked_at: Mapped[datetime | None]


class StaffBinding(Base):
    """One row is the WeChat by which one account takes coupons at the till (店员微信绑定); unbinding deletes it."""

    __tablename__ = "staff_bindings"
    __table_args__ = (Index("uq_staff_bindings_appid_openid", "appid", "openid", unique=True),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"), primary_key=True)
    appid: Mapped[str]
    openid: Mapped[str]
    bound_at: Mapped[datetime]


class StaffBindingLink(Base):
    """One row is the link by which one account can be bound once; the next link takes the place of the last."""

    __tablename__ = "staff_binding_links"
    __table_args__ = (Index("uq_staff_binding_links_token_hash", "token_hash", unique=True),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"), primary_key=True)
    token_hash: Mapped[bytes]
    expires_at: Mapped[datetime]


class LoginThrottle(Base):
    """One row counts the tries of one subject, an account or an address, in one window."""

    __tablename__ = "staff_login_throttles"
    __table_args__ = (CheckConstraint("tries >= 0", name="tries"),)

    subject: Mapped[str] = mapped_column(primary_key=True)
    """``account:…``, ``ip:…`` or ``totp:…``, hashed: people mistype passwords as names."""
    tries: Mapped[int]
    window_started_at: Mapped[datetime]
