"""Reads of claim codes: which batch a serial is of, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponCodeBatch, CouponCodeUse
from loyalty.coupons.rules.errors import CodeBatchNotFound
from loyalty.members.queries import family_ids


@dataclass(frozen=True, slots=True)
class CodeView:
    """A claim code of ours: of which batch, and whether nobody, or nobody but this member, can claim it."""

    batch_id: int
    template_id: int
    is_gone: bool


@dataclass(frozen=True, slots=True)
class CodeBatchView:
    """A batch of claim codes."""

    id: int
    template_id: int
    name: str
    first_serial: int
    count: int
    claimed: int
    voided: int
    """Codes that were voided one by one."""
    created_by: str
    created_at: datetime
    voided_at: datetime | None


def find_code(session: Session, *, serial: int, member_id: int) -> CodeView | None:
    """Return what a serial stands for, if it is one of a batch; what the member claimed himself is not gone."""
    batch, use = CouponCodeBatch, CouponCodeUse
    is_own = Coupon.member_id.in_(family_ids(member_id))
    row = session.execute(
        select(batch.id, batch.template_id, batch.voided_at, use.serial, func.coalesce(is_own, False).label("is_own"))
        .select_from(batch)
        .outerjoin(use, use.serial == serial)
        .outerjoin(Coupon, Coupon.id == use.coupon_id)
        .where(batch.first_serial <= serial, serial < batch.first_serial + batch.count)
    ).first()
    if row is None:
        return None
    is_gone = row.voided_at is not None if row.serial is None else not row.is_own
    return CodeView(row.id, row.template_id, is_gone)


def get_batch(session: Session, *, batch_id: int) -> CodeBatchView:
    """Return one batch.

    Raises:
        CodeBatchNotFound: there is no such batch.
    """
    row = session.execute(_batches().where(CouponCodeBatch.id == batch_id)).one_or_none()
    if row is None:
        raise CodeBatchNotFound(batch_id=batch_id)
    return CodeBatchView(*row)


def list_batches(session: Session, *, template_id: int) -> Sequence[CodeBatchView]:
    """Return the batches of a template, the newest first."""
    query = _batches().where(CouponCodeBatch.template_id == template_id).order_by(CouponCodeBatch.id.desc())
    return [CodeBatchView(*row) for row in session.execute(query)]


def uses_between(session: Session, *, first_serial: int, until_serial: int) -> dict[int, bool]:
    """Return which serials of a range, its end left out, are gone: claimed when True, else voided."""
    use = CouponCodeUse
    query = select(use.serial, use.coupon_id.is_not(None)).where(use.serial >= first_serial, use.serial < until_serial)
    return {serial: is_claimed for serial, is_claimed in session.execute(query)}


def _batches() -> Any:
    batch, use = CouponCodeBatch, CouponCodeUse
    uses = select(func.count()).where(use.batch_id == batch.id)
    return select(
        *(batch.id, batch.template_id, batch.name, batch.first_serial, batch.count),
        uses.where(use.coupon_id.is_not(None)).scalar_subquery(),
        uses.where(use.coupon_id.is_(None)).scalar_subquery(),
        *(batch.created_by, batch.created_at, batch.voided_at),
    )
