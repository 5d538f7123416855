"""Tables of claim codes. No code is stored: of a batch its serials, of a code only that it is gone."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class CouponCodeBatch(Base):
    """One row is a batch of claim codes (兑换码批次): the serials from which its codes are derived.

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


class CouponCodeUse(Base):
    """One row is a claim code that nobody can claim any more: claimed, or voided by itself when it has no coupon."""

    __tablename__ = "coupon_code_uses"
    __table_args__ = (Index("ix_coupon_code_uses_batch_id", "batch_id", "serial"),)

    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_code_batches.id"))
    coupon_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("coupons.id"))
    actor: Mapped[str]
    used_at: Mapped[datetime]
