"""Tables of coupon templates. What a published revision says never changes."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.coupons.rules.states import TemplateState
from loyalty.kernel.database import Base, Json

_TEMPLATE_STATES = ", ".join(f"'{state}'" for state in TemplateState)


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
