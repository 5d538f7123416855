"""Tables of coupons. What a published revision says never changes, and a coupon keeps the revision that issued it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.coupons.rules.issue_jobs import IssueJobState, Kept, Skip
from loyalty.coupons.rules.states import CouponState, IssuePath, LockEnd, TemplateState
from loyalty.kernel.database import Base, Json
from loyalty.orders.models import Order

ISSUE_FILE_CONTEXT = "coupon_issue_files.content"

_TEMPLATE_STATES = ", ".join(f"'{state}'" for state in TemplateState)
_STATES = ", ".join(f"'{state}'" for state in CouponState)
_PATHS = ", ".join(f"'{path}'" for path in IssuePath)
_JOB_STATES = ", ".join(f"'{state}'" for state in IssueJobState)
_SKIPS = ", ".join(f"'{skip}'" for skip in Skip)
_KEPTS = ", ".join(f"'{kept}'" for kept in Kept)
_LOCK_ENDS = ", ".join(f"'{end}'" for end in LockEnd)
_OF_A_MEMBER = {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}


class CouponTemplate(Base):
    """One row is a coupon template (券模板); what it says stands in its revisions, what is left of it in limits."""

    __tablename__ = "coupon_templates"
    __table_args__ = (
        CheckConstraint(f"state IN ({_TEMPLATE_STATES})", name="state"),
        CheckConstraint("stock >= 0", name="stock"),
        CheckConstraint("(state = 'draft') = (revision_id IS NULL)", name="revision_id"),
        Index("uq_coupon_templates_link_token", "link_token", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("coupon_template_revisions.id", name="fk_coupon_templates_revision", use_alter=True)
    )
    """The revision that issues; empty while none is published."""
    stock: Mapped[int | None]
    """How many may be issued in all (总库存), unlimited when empty; topped up without a new revision."""
    link_token: Mapped[str]
    """Names the template in a claim link or QR code; tells nothing and cannot be guessed."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class CouponTemplateRevision(Base):
    """One row is a revision of a template (券模板版本): a draft until it is published, unchangeable from then on."""

    __tablename__ = "coupon_template_revisions"
    __table_args__ = (
        UniqueConstraint("template_id", "number"),
        Index(
            "uq_coupon_template_revisions_draft",
            "template_id",
            unique=True,
            postgresql_where=text("published_at IS NULL"),
        ),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("(published_at IS NULL) = (published_by IS NULL)", name="published"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("coupon_templates.id"))
    number: Mapped[int]
    terms: Mapped[Json]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]


class CouponPicture(Base):
    """One row is an uploaded picture of a template, named by the digest of its bytes; never changes."""

    __tablename__ = "coupon_pictures"

    digest: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    content: Mapped[bytes]
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[datetime]


class CouponCodeBatch(Base):
    """One row is a batch of claim codes (领取码批次): the serials from which its codes are derived.

    No code is stored; what becomes of one stands in ``coupon_code_uses``.
    """

    __tablename__ = "coupon_code_batches"
    __table_args__ = (
        UniqueConstraint("first_serial"),
        CheckConstraint("first_serial >= 0 AND count > 0", name="count"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("coupon_templates.id"))
    name: Mapped[str]
    first_serial: Mapped[int]
    count: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    voided_by: Mapped[str | None]
    voided_at: Mapped[datetime | None]
    """From then on no code of the batch that is left can be claimed."""


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
        Index("ix_coupons_open", "expires_at", "id", postgresql_where=text("state IN ('issued', 'locked')")),
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


class CouponCodeUse(Base):
    """One row is a claim code that nobody can claim any more: claimed, or voided by itself when it has no coupon."""

    __tablename__ = "coupon_code_uses"
    __table_args__ = (Index("ix_coupon_code_uses_batch_id", "batch_id", "serial"),)

    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_code_batches.id"))
    coupon_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("coupons.id"))
    actor: Mapped[str]
    used_at: Mapped[datetime]


class CouponIssueJob(Base):
    """One row is coupons for many members at once (批量发券): whom it reaches, and where it stands."""

    __tablename__ = "coupon_issue_jobs"
    __table_args__ = (CheckConstraint(f"state IN ({_JOB_STATES})", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    template_id: Mapped[int] = mapped_column(ForeignKey("coupon_templates.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("coupon_template_revisions.id"))
    """As it was when the job was made; all of its coupons have these terms."""
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.id"))
    """The store that issues the coupons; empty for the chain."""
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id"))
    """Whose bearers it names; empty when it has a file."""
    state: Mapped[str] = mapped_column(server_default=text("'checking'"))
    fault: Mapped[str | None]
    """Why the file as a whole could not be read."""
    total: Mapped[int] = mapped_column(server_default=text("0"))
    """How many members it names."""
    bad_rows: Mapped[int] = mapped_column(server_default=text("0"))
    """Lines of its file that name nobody, or somebody again."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]


class CouponIssueFile(Base):
    """One row is a part of an uploaded file, sealed; deleted when the check has ended."""

    __tablename__ = "coupon_issue_files"
    __table_args__ = (Index("ix_coupon_issue_files_job_id", "job_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_issue_jobs.id"))
    content_sealed: Mapped[bytes] = mapped_column(info={"sealed": ISSUE_FILE_CONTEXT})


class CouponIssueRow(Base):
    """One row is a member whom a job names; what became of it is written once, and again when it is undone."""

    __tablename__ = "coupon_issue_rows"
    __table_args__ = (
        CheckConstraint(f"skipped IN ({_SKIPS})", name="skipped"),
        CheckConstraint(f"kept IN ({_KEPTS})", name="kept"),
        {"info": _OF_A_MEMBER},
    )

    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_issue_jobs.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From the members' own table in the statement that writes the row, so no foreign key is paid for."""
    line: Mapped[int | None]
    """Of its file."""
    skipped: Mapped[str | None]
    """Why the member got none: the name of the limit that was hit, or what else stood against it."""
    kept: Mapped[str | None]
    """Why the coupon was left as it is when the job was undone."""


class CouponIssueProblem(Base):
    """One row is a line of a file that was refused; never what stood in it."""

    __tablename__ = "coupon_issue_problems"

    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_issue_jobs.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    first_line: Mapped[int | None]
    """The line that names the same member, for one that does so again."""
