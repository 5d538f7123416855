"""Tables of what is decided once about two who may be one person: bindings reviewed, merges proposed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.members.models.checks import one_of
from loyalty.members.rules.identities import Door
from loyalty.members.rules.reviews import ProposalState, ReviewState
from loyalty.stores.models import Store


class BindingReview(Base):
    """One row is a proved phone that a member already has: is it the same person? Decided once."""

    __tablename__ = "binding_reviews"
    __table_args__ = (
        one_of("state", ReviewState),
        one_of("door", Door),
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
        one_of("state", ProposalState),
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
