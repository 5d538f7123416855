"""Tables of coupons and of their use. A coupon keeps the revision that issued it; what was used is never edited."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.coupons.rules.states import CouponState, IssuePath, LockEnd
from loyalty.kernel.database import Base, Json
from loyalty.orders.models import Order

_STATES = ", ".join(f"'{state}'" for state in CouponState)
_PATHS = ", ".join(f"'{path}'" for path in IssuePath)
_LOCK_ENDS = ", ".join(f"'{end}'" for end in LockEnd)
_OF_A_MEMBER = {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}


class Coupon(Base):
    """One row is a coupon (券) of a member; its terms and its period never change, its state follows its use.

    After a merge it stays where it is and is read through the survivor.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(f"path IN ({_PATHS})", name="path"),
        CheckConstraint("(state = 'locked') = (lock_id IS NOT NULL)", name="lock_id"),
        CheckConstraint("(lock_id IS NULL) = (locked_until_at IS NULL)", name="locked_until_at"),
        CheckConstraint("usable_at < expires_at", name="expires_at"),
        CheckConstraint("points_paid >= 0", name="points_paid"),
        Index(
            "ix_coupons_open",
            "expires_at",
            "id",
            postgresql_include=["member_id", "template_id", "usable_at", "locked_until_at"],
            postgresql_where=text("state IN ('issued', 'locked')"),
        ),
        Index("ix_coupons_template_id", "template_id", "id"),
        # Rows arrive in the order of time: a few pages of summary find a day among millions.
        Index("ix_coupons_issued_at", "issued_at", postgresql_using="brin"),
        {"info": _OF_A_MEMBER, "postgresql_with": {"fillfactor": 90}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    template_id: Mapped[int]
    """The revision's; here so that a template's coupons are found without it."""
    revision_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_template_revisions.id"))
    reference: Mapped[str]
    """What it was issued for, as ``source:key``: at most one coupon each."""
    path: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    """The store that issued it."""
    actor: Mapped[str]
    issued_at: Mapped[datetime]
    usable_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The instant from which it is lapsed, whether or not the nightly job has run."""
    points_paid: Mapped[int] = mapped_column(server_default=text("0"))
    state: Mapped[str] = mapped_column(server_default=text("'issued'"))
    lock_id: Mapped[int | None]
    locked_until_at: Mapped[datetime | None]
    """A lock past this no longer binds, whether or not a job has ended it."""
    reminded_at: Mapped[datetime | None]
    """When the member was told that it lapses soon; empty again once it comes back from a use."""


class CouponLock(Base):
    """One row is coupons set aside for an order that is not paid yet (锁定), with what they take off its lines.

    The discounts are fixed by this; only its end is written later, once.
    """

    __tablename__ = "coupon_locks"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        CheckConstraint(f"ended_as IN ({_LOCK_ENDS})", name="ended_as"),
        CheckConstraint("(ended_as IS NULL) = (ended_at IS NULL)", name="ended_at"),
        Index("ix_coupon_locks_open", "expires_at", postgresql_where=text("ended_at IS NULL")),
        {"info": _OF_A_MEMBER},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    reference: Mapped[str]
    basket: Mapped[Json]
    """Store, channel and lines as they were priced."""
    discounts: Mapped[list[Any]] = mapped_column(JSONB)
    """Of each coupon what it takes off, by line."""
    discount_fen: Mapped[int]
    actor: Mapped[str]
    locked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_as: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class CouponRedemption(Base):
    """One row is a coupon that was used (核销); only its reversal is written later, once.

    Of a coupon one redemption stands at most.
    """

    __tablename__ = "coupon_redemptions"
    __table_args__ = (
        UniqueConstraint("member_id", "reference", "coupon_id"),
        Index("uq_coupon_redemptions_standing", "coupon_id", unique=True, postgresql_where=text("reversed_at IS NULL")),
        Index("ix_coupon_redemptions_store_id", "store_id", "redeemed_at"),
        Index("ix_coupon_redemptions_template_id", "template_id", "redeemed_at"),
        Index("ix_coupon_redemptions_redeemed_at", "redeemed_at", postgresql_using="brin"),
        Index("ix_coupon_redemptions_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        CheckConstraint("discount_fen >= 0 AND discount_fen <= basket_fen", name="discount_fen"),
        CheckConstraint(
            "(reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reference IS NULL)",
            name="reversed_at",
        ),
        {"info": _OF_A_MEMBER},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    coupon_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupons.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    """The coupon's."""
    template_id: Mapped[int]
    reference: Mapped[str]
    """The till's number for this use: the same again is a replay."""
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    channel: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(Order.id))
    basket_fen: Mapped[int]
    """What the basket cost before any coupon."""
    discount_fen: Mapped[int]
    shares: Mapped[list[Any]] = mapped_column(JSONB)
    """Pairs of line number and fen, which add up to the discount."""
    bonus_points: Mapped[int] = mapped_column(server_default=text("0"))
    actor: Mapped[str]
    redeemed_at: Mapped[datetime]
    reversal_reference: Mapped[str | None]
    reversed_by: Mapped[str | None]
    reversed_at: Mapped[datetime | None]
