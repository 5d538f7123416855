"""Voiding many coupons at once (批量作废): those that can still be used, and every limit gets back what they took.

What was used, is locked for an order, or has lapsed stays as it is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Select, any_, bindparam, update
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.issue_jobs import Kept, kept_because
from loyalty.coupons.rules.limiting import member_limits, stock_limits, subject_of
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.service.issuing_many import COUPONS
from loyalty.coupons.service.owners import owners_of
from loyalty.coupons.standings import standing_of
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import AnyRow
from loyalty.limits.rules import Limit, member_entity
from loyalty.limits.service import give_back, give_back_for_each

HELD = (
    *(Coupon.id, Coupon.member_id, Coupon.state),
    *(Coupon.usable_at, Coupon.expires_at, Coupon.locked_until_at, Coupon.issued_at),
)
"""The columns of coupons that are held and may be voided."""


def hold_coupons(session: Session, found: Select[Any]) -> Sequence[AnyRow]:
    """Hold the coupons that a statement with the columns ``HELD`` finds, as they are now."""
    return session.execute(found.order_by(Coupon.id).with_for_update(of=Coupon, key_share=True)).all()


def void_unused(session: Session, *, coupons: Sequence[AnyRow], at: datetime) -> Mapping[int, Kept]:
    """Void those of some held coupons that can still be used; return the others and why they stay."""
    kept = {one.id: why for one in coupons if (why := kept_because(standing_of(one, at))) is not None}
    session.execute(_VOID, {"given_coupon_ids": [one.id for one in coupons if one.id not in kept]})
    return kept


def give_back_limits(
    session: Session,
    *,
    coupons: Sequence[AnyRow],
    template_id: int,
    terms: Terms,
    stock: int | None,
    store_id: int | None,
    zone: ZoneInfo,
) -> None:
    """Put back what voided coupons took, of the days on which they took it: the members' own first, the shared last."""
    if not coupons:
        return
    owners = owners_of(session, member_ids={one.member_id for one in coupons})
    own: Counter[tuple[str, str]] = Counter()
    shared: Counter[Limit] = Counter()
    for on, of_day in _by_day(coupons, zone).items():
        for limit in member_limits(terms, template_id=template_id, member_id=0, on=on):
            own.update((member_entity(owners[one.member_id]), limit.period) for one in of_day)
        for limit in stock_limits(terms, template_id=template_id, stock=stock, store_id=store_id, on=on):
            shared[limit] += len(of_day)
    give_back_for_each(session, subject=subject_of(template_id), amounts=own)
    for limit in sorted(shared, key=lambda limit: (limit.buckets > 1, limit.key)):
        give_back(session, limits=[limit], amount=shared[limit])


def _by_day(coupons: Sequence[AnyRow], zone: ZoneInfo) -> Mapping[date, Sequence[AnyRow]]:
    days: dict[date, list[AnyRow]] = {}
    for one in coupons:
        days.setdefault(business_date(one.issued_at, zone), []).append(one)
    return days


_VOID = (
    update(COUPONS)
    .where(COUPONS.c.id == any_(bindparam("given_coupon_ids", type_=SentArray(BigInteger()))))
    .values(state=CouponState.VOIDED.value, lock_id=None, locked_until_at=None)
)
