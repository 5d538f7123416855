"""Coupons that somebody is about to use: read with their terms and with the region of the store, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    String,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.orm import Session

from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponLock, CouponRedemption, CouponTemplateRevision
from loyalty.coupons.rules.basket import Basket
from loyalty.coupons.rules.candidates import Offer
from loyalty.coupons.rules.errors import CouponNotFound
from loyalty.coupons.rules.fitting import Refusal, not_standing
from loyalty.coupons.rules.states import CouponState, Standing
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.standings import standing_of
from loyalty.kernel.database import AnyRow
from loyalty.kernel.local_time import local_time
from loyalty.kernel.prepared import send
from loyalty.members.queries import family_ids
from loyalty.orders.rules import Line
from loyalty.points.posting import table_of
from loyalty.stores.queries import region_of

COUPONS = table_of(Coupon)
LOOKED_AT_MAX = 200
"""How many of a member's coupons are tried on a basket: those that lapse the soonest."""


@dataclass(frozen=True, slots=True)
class Use:
    """Where, for what and when coupons are to be used; prices are those before coupons and points."""

    store_id: int | None
    channel: str
    lines: tuple[Line, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class HeldCoupon:
    """A coupon of a member, and where it stands."""

    id: int
    member_id: int
    template_id: int
    terms: Terms
    standing: Standing
    usable_at: datetime
    expires_at: datetime
    lock_id: int | None
    lock_reference: str | None
    """Of the lock that binds it, or did while its time ran."""

    @property
    def offer(self) -> Offer:
        """The coupon as pricing looks at it."""
        return Offer(self.id, self.terms, self.expires_at)


@dataclass(frozen=True, slots=True)
class Held:
    """Coupons of one member, and the basket they are tried on."""

    coupons: tuple[HeldCoupon, ...]
    basket: Basket
    zone: ZoneInfo
    is_known: bool = False
    """Whether coupons were used under the reference that was asked about."""

    def as_of(self, at: datetime) -> "Held":
        """Return the same coupons and basket at another time of the day."""
        return replace(self, basket=replace(self.basket, local=local_time(at, self.zone), at=at))

    def why_not(self, coupon: HeldCoupon) -> Refusal | None:
        """Return why a coupon cannot be used at this time, whatever is bought; None for one that can."""
        return not_standing(coupon.standing, usable_at=coupon.usable_at, zone=self.zone)


def read_held(
    session: Session,
    *,
    member_id: int,
    coupon_ids: Sequence[int],
    use: Use,
    zone: ZoneInfo,
    reference: str | None = None,
) -> Held:
    """Return the coupons named, in the order in which they are named, locking nothing.

    With a reference it tells, too, whether coupons of the member were used under it.

    Raises:
        CouponNotFound: none is named, or one of them does not exist or is somebody else's.
    """
    if not coupon_ids:
        raise CouponNotFound
    named = {"coupon_ids": list(coupon_ids), "reference": reference}
    held = _read(session, _NAMED, named, member_id, use, zone)
    by_id = {coupon.id: coupon for coupon in held.coupons}
    for coupon_id in coupon_ids:
        if coupon_id not in by_id:
            raise CouponNotFound(coupon_id=coupon_id)
    return replace(held, coupons=tuple(by_id[coupon_id] for coupon_id in dict.fromkeys(coupon_ids)))


def read_open(session: Session, *, member_id: int, use: Use, zone: ZoneInfo) -> Held:
    """Return the coupons that a member could use now or later, those that lapse the soonest first."""
    return _read(session, _OPEN, {"limit": LOOKED_AT_MAX}, member_id, use, zone)


def hold(session: Session, *, coupon_ids: Sequence[int]) -> None:
    """Keep coupons as they are until the transaction ends."""
    coupons = select(Coupon.id).where(Coupon.id.in_(coupon_ids)).order_by(Coupon.id)
    session.execute(coupons.with_for_update(key_share=True))


def hold_as_read(read: FromClause, *, count: ColumnElement[int]) -> tuple[CTE, ColumnElement[bool]]:
    """Hold those of some coupons that are as they were read; return them, and whether they are all ``count`` of them.

    For the statement that uses or binds them. ``read`` names of each its ``coupon_id`` and the ``lock_id`` it had.
    """
    is_as_read = and_(
        COUPONS.c.state.in_([CouponState.ISSUED, CouponState.LOCKED]),
        COUPONS.c.lock_id.is_not_distinct_from(read.c.lock_id),
    )
    free = (
        select(COUPONS.c.id)
        .join(read, read.c.coupon_id == COUPONS.c.id)
        .where(is_as_read)
        .order_by(COUPONS.c.id)
        .with_for_update(of=COUPONS, key_share=True)
        .cte("free")
    )
    return free, select(func.count()).select_from(free).scalar_subquery() == count


def _read(session: Session, statement: Any, named: dict[str, Any], member_id: int, use: Use, zone: ZoneInfo) -> Held:
    values = {**named, "member_id": member_id, "store_id": use.store_id, "at": use.at}
    rows = send(session, statement, values)
    basket = Basket(
        store_id=use.store_id,
        region_id=rows[0].region_id if rows else None,
        channel=use.channel,
        lines=use.lines,
        local=local_time(use.at, zone),
        at=use.at,
    )
    coupons = tuple(_coupon(row, use.at) for row in rows)
    return Held(coupons, basket, zone, is_known=bool(rows) and rows[0].is_known)


def _coupon(row: AnyRow, at: datetime) -> HeldCoupon:
    return HeldCoupon(
        id=row.id,
        member_id=row.member_id,
        template_id=row.template_id,
        terms=read_terms(row.terms),
        standing=standing_of(row, at),
        usable_at=row.usable_at,
        expires_at=row.expires_at,
        lock_id=row.lock_id,
        lock_reference=row.lock_reference,
    )


_MEMBER_ID, _STORE_ID = (bindparam(name, type_=BigInteger) for name in ("member_id", "store_id"))
_AT = bindparam("at", type_=DateTime(timezone=True))


def _coupons() -> Any:
    used, reference = CouponRedemption, bindparam("reference", None, type_=String)
    known = select(used.id).where(used.member_id.in_(family_ids(_MEMBER_ID)), used.reference == reference)
    return (
        select(
            *(Coupon.id, Coupon.member_id, Coupon.template_id, Coupon.state),
            *(Coupon.usable_at, Coupon.expires_at, Coupon.locked_until_at, Coupon.lock_id),
            cast(CouponTemplateRevision.terms, Text).label("terms"),
            CouponLock.reference.label("lock_reference"),
            region_of(_STORE_ID).label("region_id"),
            known.exists().label("is_known"),
        )
        .join(CouponTemplateRevision, CouponTemplateRevision.id == Coupon.revision_id)
        .outerjoin(CouponLock, CouponLock.id == Coupon.lock_id)
        .where(Coupon.member_id.in_(family_ids(_MEMBER_ID)))
    )


_NAMED = _coupons().where(Coupon.id == func.any(bindparam("coupon_ids", type_=ARRAY(BigInteger))))
_OPEN = (
    _coupons()
    .where(Coupon.state.in_([CouponState.ISSUED, CouponState.LOCKED]), Coupon.expires_at > _AT)
    .order_by(Coupon.expires_at, Coupon.id)
    .limit(bindparam("limit", type_=BigInteger))
)
