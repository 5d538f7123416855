"""Reads of locks: coupons set aside for an order that is not paid yet."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponLock
from loyalty.coupons.rules.pricing import Discount
from loyalty.coupons.rules.states import LockEnd
from loyalty.kernel.database import Json
from loyalty.members.queries import family_ids


@dataclass(frozen=True, slots=True)
class LockView:
    """A lock, and what its coupons take off the basket."""

    id: int
    member_id: int
    reference: str
    basket: Json
    discounts: tuple[Discount, ...]
    locked_at: datetime
    expires_at: datetime
    ended_as: LockEnd | None

    @property
    def coupon_ids(self) -> tuple[int, ...]:
        """The coupons that it was made for."""
        return tuple(discount.coupon_id for discount in self.discounts)

    @property
    def discount_fen(self) -> int:
        """What they take off together."""
        return sum(discount.discount_fen for discount in self.discounts)


def find_lock(session: Session, *, member_id: int, reference: str) -> LockView | None:
    """Return the lock under a reference, also by a member who was merged into this one."""
    row = session.scalar(
        select(CouponLock)
        .where(CouponLock.member_id.in_(family_ids(member_id)), CouponLock.reference == reference)
        .order_by(CouponLock.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return None if row is None else _view(row)


def _view(row: CouponLock) -> LockView:
    return LockView(
        id=row.id,
        member_id=row.member_id,
        reference=row.reference,
        basket=row.basket,
        discounts=tuple(_discount(discount) for discount in row.discounts),
        locked_at=row.locked_at,
        expires_at=row.expires_at,
        ended_as=None if row.ended_as is None else LockEnd(row.ended_as),
    )


def _discount(stored: Json) -> Discount:
    shares = tuple((line_number, fen) for line_number, fen in stored["shares"])
    return Discount(stored["coupon_id"], stored["discount_fen"], shares)
