"""Tables of members. Each declares what a merge, an export and an erasure do with its rows.

``info["member_data"]`` of a table and ``info`` of a column (``personal``: erased; ``sealed``: the
vault's context, by which keys are rotated) are read by ``merging`` and ``privacy``, which walk
every table by them.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.members import MemberStatus
from loyalty.members.rules.reviews import ProposalState, ReviewState
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.stores.models import Store


def _one_of(
    column: str, values: type[MemberStatus | IdentityKind | Door | Purpose | CodePurpose | ReviewState | ProposalState]
) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


class Member(Base):
    """One row is one membership; its id and enrolment never change, and it is never deleted."""

    __tablename__ = "members"
    __table_args__ = (
        _one_of("status", MemberStatus),
        CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into"),
        CheckConstraint("(status = 'provisional') = (provisional_until_at IS NOT NULL)", name="provisional_until_at"),
        CheckConstraint("(phone_sealed IS NULL) = (phone_index IS NULL)", name="phone"),
        Index("uq_members_number", "number", unique=True),
        Index(
            "uq_members_phone_index",
            "phone_index",
            unique=True,
            postgresql_where=text("phone_index IS NOT NULL"),
        ),
        Index(
            "ix_members_merged_into_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index(
            "ix_members_provisional_until_at",
            "provisional_until_at",
            postgresql_where=text("provisional_until_at IS NOT NULL"),
        ),
        Index("ix_members_living", "id", postgresql_where=text("status IN ('active', 'closing')")),
        Index("ix_members_enrolled_at", "enrolled_at"),
        Index("ix_members_enrolled_store_id", "enrolled_store_id"),
        Index("ix_members_birthday_index", "birthday_index", postgresql_where=text("birthday_index IS NOT NULL")),
        {"info": {"member_data": {"merge": "custom", "export": True, "erase": "anonymise"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(info={"personal": True})
    """Ten digits, the last a check digit; what members and clerks read to each other."""
    status: Mapped[str] = mapped_column(server_default=text("'active'"))
    phone_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "members.phone"})
    phone_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    phone_proved_at: Mapped[datetime | None]
    nickname_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "members.nickname"})
    birthday_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "members.birthday"})
    birthday_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    """Blind index of month and day, by which whose birthday it is are found; see ``profile.birthday_mark``."""
    birthday_changed_at: Mapped[datetime | None]
    enrolled_at: Mapped[datetime]
    enrolled_store_id: Mapped[int | None] = mapped_column(ForeignKey(Store.id))
    last_active_at: Mapped[datetime]
    """Exact to a day: written at most once in ``RENEWAL_INTERVAL``."""
    provisional_until_at: Mapped[datetime | None]
    """A provisional member is erased by the first run at or after this instant."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    """The final survivor, never another merged member."""


class Identity(Base):
    """One row is one person as one account of ours sees them; without a member, a visitor (访客)."""

    __tablename__ = "identities"
    __table_args__ = (
        _one_of("kind", IdentityKind),
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
        _one_of("door", Door),
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
        _one_of("purpose", CodePurpose),
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


class BindingReview(Base):
    """One row is a proved phone that a member already has: is it the same person? Decided once."""

    __tablename__ = "binding_reviews"
    __table_args__ = (
        _one_of("state", ReviewState),
        _one_of("door", Door),
        CheckConstraint("attempts BETWEEN 0 AND 5", name="attempts"),
        Index(
            "uq_binding_reviews_identity_id",
            "identity_id",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'with_staff')"),
        ),
        Index("ix_binding_reviews_identity_id", "identity_id"),
        Index("ix_binding_reviews_holder_id", "holder_id"),
        Index(
            "ix_binding_reviews_expires_at",
            "expires_at",
            postgresql_where=text("state IN ('waiting', 'with_staff')"),
        ),
        {"info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    """Who proved the phone now."""
    holder_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    """Who had it before."""
    phone_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "members.phone"})
    """Emptied when decided."""
    phone_proved_at: Mapped[datetime]
    is_change: Mapped[bool]
    """The claimant is a member who asked for this phone in place of their own."""
    consents: Mapped[Json]
    """The texts agreed to, for the member who may be enrolled at the end."""
    door: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(ForeignKey(Store.id))
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    """``code``, ``claimant``, ``expiry`` or ``staff:12``."""


class MergeProposal(Base):
    """One row asks a person whether their two memberships shall become one; decided once."""

    __tablename__ = "merge_proposals"
    __table_args__ = (
        _one_of("state", ProposalState),
        CheckConstraint("member_id <> other_member_id", name="two_members"),
        Index("ix_merge_proposals_member_id", "member_id"),
        Index("ix_merge_proposals_other_member_id", "other_member_id"),
        Index(
            "uq_merge_proposals_identity_id",
            "identity_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    """Whose identity asked."""
    other_member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    member_phone_proved_at: Mapped[datetime | None]
    other_phone_proved_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class PrivacyText(Base):
    """One row is one version of a text that people consent to; a published text never changes."""

    __tablename__ = "privacy_texts"
    __table_args__ = (_one_of("purpose", Purpose),)

    purpose: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]
    published_at: Mapped[datetime]


class Consent(Base):
    """One row is one consent (同意) to one version of one text, and perhaps its withdrawal (撤回)."""

    __tablename__ = "consents"
    __table_args__ = (
        _one_of("purpose", Purpose),
        _one_of("channel", Door),
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


class MemberKey(Base):
    """One row is the key of what is written about one member elsewhere and must die with them."""

    __tablename__ = "member_keys"
    __table_args__ = ({"info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}}},)

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    key_sealed: Mapped[bytes] = mapped_column(info={"personal": True, "sealed": "member_keys.key"})
    made_at: Mapped[datetime]
