"""Tables of partners: keys with their secrets and stores, nonces, and how members are named to a key."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.members.models import Member
from loyalty.stores.models import Store


class PartnerKey(Base):
    """One row is the key (接入密钥) of one system; its ``key_id`` never changes and is never given out again."""

    __tablename__ = "partner_keys"
    __table_args__ = (
        CheckConstraint("requests_per_minute > 0", name="requests_per_minute"),
        Index("uq_partner_keys_key_id", "key_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[str]
    """What the system sends with each request; not secret."""
    name: Mapped[str]
    requests_per_minute: Mapped[int]
    is_active: Mapped[bool] = mapped_column(server_default=text("false"))
    """Only a second person switches it on."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class PartnerKeyScope(Base):
    """One row lets a key act for a node of the store tree and all below it."""

    __tablename__ = "partner_key_scopes"

    partner_key_id: Mapped[int] = mapped_column(ForeignKey("partner_keys.id"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey(Store.id), primary_key=True)


class PartnerSecret(Base):
    """One row is a secret of a key; while a key is rotated, two of them are good. A refused one is deleted."""

    __tablename__ = "partner_secrets"
    __table_args__ = (Index("ix_partner_secrets_partner_key_id", "partner_key_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    partner_key_id: Mapped[int] = mapped_column(ForeignKey("partner_keys.id"))
    secret_sealed: Mapped[bytes] = mapped_column(info={"sealed": "partner_secrets.secret"})
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    """From when it is good: a second person has approved it."""
    ends_at: Mapped[datetime | None]
    """From when it is no longer good; empty for the current one."""


class PartnerNonce(Base):
    """One row is a request that a key has signed and sent, so that it is not taken a second time."""

    __tablename__ = "partner_nonces"
    __table_args__ = (Index("ix_partner_nonces_used_at", "used_at"),)

    # No foreign key: it would lock the key's row for each of its requests.
    partner_key_id: Mapped[int] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime]


class MemberRef(Base):
    """One row names a member to one key for a quarter of an hour; no other key can use it."""

    __tablename__ = "member_refs"
    __table_args__ = (
        Index("uq_member_refs_token", "token", unique=True),
        Index("ix_member_refs_member_id", "member_id"),
        Index("ix_member_refs_expires_at", "expires_at"),
        {"info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str]
    partner_key_id: Mapped[int] = mapped_column(ForeignKey("partner_keys.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey(Member.id))
    is_introduced: Mapped[bool]
    """False after an enrolment by phone: who is behind it, and what they have, is not shown."""
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class UsedMemberCode(Base):
    """One row is a member code that was exchanged; nobody can exchange it again."""

    __tablename__ = "used_member_codes"
    __table_args__ = (
        Index("ix_used_member_codes_member_id", "member_id"),
        Index("ix_used_member_codes_used_at", "used_at"),
        {"info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}}},
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey(Member.id))
    used_at: Mapped[datetime]


class MemberEncounter(Base):
    """One row is a member who showed their code at a store, which may find them by phone from then on."""

    __tablename__ = "member_encounters"
    __table_args__ = ({"info": {"member_data": {"merge": "move", "export": True, "erase": "delete"}}},)

    member_id: Mapped[int] = mapped_column(ForeignKey(Member.id), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey(Store.id), primary_key=True)
    first_met_at: Mapped[datetime]
