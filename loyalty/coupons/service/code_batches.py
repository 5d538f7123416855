"""Batches of claim codes (兑换码批次): a batch is a range of serials, so that a million codes are made at once."""

from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponCodeBatch, CouponCodeUse
from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.claim_codes import SERIAL_BOUND, read_claim_code
from loyalty.coupons.rules.errors import (
    ClaimCodeInvalid,
    ClaimCodeUsed,
    CouponTemplateNotInState,
    InvalidCouponTerms,
    Problem,
)
from loyalty.coupons.rules.states import TemplateState
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor

CODES_MAX = 1_000_000
NAME_LENGTH_MAX = 30


def make_batch(session: Session, *, template_id: int, name: str, count: int, actor: Actor, at: datetime) -> int:
    """Make claim codes for a template (生成兑换码); return the batch's id. They take nothing from its stock yet.

    Raises:
        CouponTemplateNotFound: there is no such template.
        CouponTemplateNotInState: it was never published; its draft may still be thrown away, and it with that.
        InvalidCouponTerms: without a name, or with too many codes.
    """
    template = get_template(session, template_id=template_id)
    if template.state is TemplateState.DRAFT:
        raise CouponTemplateNotInState(state=template.state.value)
    if not 0 < len(name.strip()) <= NAME_LENGTH_MAX:
        raise InvalidCouponTerms([Problem("name", f"批次名称须为 1–{NAME_LENGTH_MAX} 个字")])
    if not 1 <= count <= CODES_MAX:
        raise InvalidCouponTerms([Problem("count", f"数量须为 1 到 {CODES_MAX:,}")])
    # One at a time: the serials of batches follow one another. Whoever claims a code meanwhile does not wait for it.
    session.execute(text("LOCK TABLE coupon_code_batches IN SHARE ROW EXCLUSIVE MODE"))
    end = func.coalesce(func.max(CouponCodeBatch.first_serial + CouponCodeBatch.count), 0)
    first_serial: int = session.scalars(select(end)).one()
    assert first_serial + count <= SERIAL_BOUND, "ten thousand full batches"
    batch = CouponCodeBatch(
        template_id=template_id,
        name=name.strip(),
        first_serial=first_serial,
        count=count,
        created_by=actor.name,
        created_at=at,
    )
    session.add(batch)
    session.flush()
    _note(session, "coupons.make_codes", batch.id, {"template_id": template_id, "count": count}, actor, at)
    return batch.id


def void_batch(session: Session, *, batch_id: int, actor: Actor, at: datetime) -> None:
    """Let no code that is left of a batch be claimed any more (作废批次); again, nothing happens.

    Raises:
        CodeBatchNotFound: there is no such batch.
    """
    get_batch(session, batch_id=batch_id)
    batch = CouponCodeBatch
    is_open = (batch.id == batch_id) & batch.voided_at.is_(None)
    voided = update(batch).where(is_open).values(voided_at=at, voided_by=actor.name).returning(batch.id)
    if session.execute(voided).first() is not None:
        _note(session, "coupons.void_codes", batch_id, {}, actor, at)


def void_code(session: Session, *, codes_key: bytes, batch_id: int, typed: str, actor: Actor, at: datetime) -> None:
    """Let one code of a batch be claimed no more (作废单码).

    Raises:
        CodeBatchNotFound: there is no such batch.
        ClaimCodeInvalid: it is none of this batch.
        ClaimCodeUsed: it was claimed or voided before.
    """
    batch = get_batch(session, batch_id=batch_id)
    serial = read_claim_code(codes_key, typed)
    if not batch.first_serial <= serial < batch.first_serial + batch.count:
        raise ClaimCodeInvalid
    _use(session, serial=serial, batch_id=batch_id, coupon_id=None, actor=actor.name, at=at)
    _note(session, "coupons.void_code", batch_id, {"serial": serial}, actor, at)


def use_code(session: Session, *, serial: int, batch_id: int, coupon_id: int, member_id: int, at: datetime) -> None:
    """Note that a code was claimed.

    Raises:
        ClaimCodeUsed: somebody else claimed it at the same moment.
    """
    _use(session, serial=serial, batch_id=batch_id, coupon_id=coupon_id, actor=f"member:{member_id}", at=at)


def _use(session: Session, *, serial: int, batch_id: int, coupon_id: int | None, actor: str, at: datetime) -> None:
    values = {"serial": serial, "batch_id": batch_id, "coupon_id": coupon_id, "actor": actor, "used_at": at}
    used = insert(CouponCodeUse).values(values).on_conflict_do_nothing().returning(CouponCodeUse.serial)
    if session.execute(used).first() is None:
        raise ClaimCodeUsed


def _note(session: Session, action: str, batch_id: int, after: dict[str, object], actor: Actor, at: datetime) -> None:
    audit.write(session, actor=actor, action=action, subject=f"code_batch:{batch_id}", after=after, at=at)
