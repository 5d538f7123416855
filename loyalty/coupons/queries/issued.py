"""Issued coupons as staff look through them: of a template or of a member, by where they stand."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, not_, or_, select
from sqlalchemy.orm import Session

from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponRedemption, CouponTemplateRevision
from loyalty.coupons.rules.states import CouponState, IssuePath, Standing, standing
from loyalty.coupons.rules.terms import Terms
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member


@dataclass(frozen=True, slots=True)
class IssuedCoupon:
    """A coupon: whose it is, how it was got, where it stands, and when and where it was used."""

    id: int
    member_id: int
    template_id: int
    terms: Terms
    path: IssuePath
    actor: str
    standing: Standing
    points_paid: int
    issued_at: datetime
    usable_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None
    used_at_store_id: int | None


def list_coupons(
    session: Session,
    *,
    at: datetime,
    template_id: int | None = None,
    member_id: int | None = None,
    path: IssuePath | None = None,
    stands: Standing | None = None,
    store_ids: Collection[int] | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[IssuedCoupon]:
    """Return coupons, the newest first; ``store_ids`` keeps those of members who enrolled at these stores.

    Those of a member include what members who were merged into him hold.
    """
    query = _coupons().order_by(Coupon.id.desc()).limit(limit + 1)
    if template_id is not None:
        query = query.where(Coupon.template_id == template_id)
    if member_id is not None:
        query = query.where(Coupon.member_id.in_(_family(member_id)))
    if path is not None:
        query = query.where(Coupon.path == path)
    if stands is not None:
        query = query.where(_stands(stands, at))
    if store_ids is not None:
        query = query.where(Coupon.member_id.in_(_enrolled_at(store_ids)))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Coupon.id < last_id)
    return page_of([_view(row, at) for row in session.execute(query)], limit=limit, id_of=lambda view: view.id)


def count_outside(session: Session, *, coupon_ids: Collection[int], store_ids: Collection[int]) -> int:
    """Return how many of some coupons are of members who enrolled elsewhere than at these stores."""
    outside = Coupon.id.in_(coupon_ids) & Coupon.member_id.not_in(_enrolled_at(store_ids))
    return session.execute(select(func.count()).select_from(Coupon).where(outside)).scalar_one()


def count_of_member(session: Session, *, coupon_ids: Collection[int], member_id: int) -> int:
    """Return how many of some coupons are a member's, or of somebody who was merged into him."""
    own = Coupon.id.in_(coupon_ids) & Coupon.member_id.in_(_family(member_id))
    return session.execute(select(func.count()).select_from(Coupon).where(own)).scalar_one()


def _family(member_id: int) -> Any:
    return select(Member.id).where(or_(Member.id == member_id, Member.merged_into_id == member_id))


def _enrolled_at(store_ids: Collection[int]) -> Any:
    return select(Member.id).where(Member.enrolled_store_id.in_(store_ids))


def _stands(stands: Standing, at: datetime) -> ColumnElement[bool]:
    """The clock decides, as ``standing`` does, whether or not a job has run."""
    is_locked = and_(Coupon.state == CouponState.LOCKED, Coupon.locked_until_at > at)
    is_open = Coupon.state.in_([CouponState.ISSUED, CouponState.LOCKED]) & not_(func.coalesce(is_locked, False))
    conditions: dict[Standing, ColumnElement[bool]] = {
        Standing.UPCOMING: is_open & (Coupon.usable_at > at) & (Coupon.expires_at > at),
        Standing.USABLE: is_open & (Coupon.usable_at <= at) & (Coupon.expires_at > at),
        Standing.LOCKED: is_locked,
        Standing.USED: Coupon.state == CouponState.REDEEMED,
        Standing.LAPSED: (Coupon.state == CouponState.EXPIRED) | (is_open & (Coupon.expires_at <= at)),
        Standing.VOIDED: Coupon.state == CouponState.VOIDED,
    }
    return conditions[stands]


def _coupons() -> Any:
    used = CouponRedemption
    return (
        select(
            *(Coupon.id, Coupon.member_id, Coupon.template_id, Coupon.path, Coupon.actor, Coupon.points_paid),
            *(Coupon.state, Coupon.issued_at, Coupon.usable_at, Coupon.expires_at, Coupon.locked_until_at),
            cast(CouponTemplateRevision.terms, Text).label("terms"),
            *(used.redeemed_at, used.store_id),
        )
        .join(CouponTemplateRevision, CouponTemplateRevision.id == Coupon.revision_id)
        .outerjoin(used, (used.coupon_id == Coupon.id) & used.reversed_at.is_(None))
    )


def _view(row: AnyRow, at: datetime) -> IssuedCoupon:
    return IssuedCoupon(
        id=row.id,
        member_id=row.member_id,
        template_id=row.template_id,
        terms=read_terms(row.terms),
        path=IssuePath(row.path),
        actor=row.actor,
        standing=standing(
            state=CouponState(row.state),
            usable_at=row.usable_at,
            expires_at=row.expires_at,
            locked_until_at=row.locked_until_at,
            at=at,
        ),
        points_paid=row.points_paid,
        issued_at=row.issued_at,
        usable_at=row.usable_at,
        expires_at=row.expires_at,
        redeemed_at=row.redeemed_at,
        used_at_store_id=row.store_id,
    )
