"""Issued coupons as staff look through them: of a template or of a member, by where they stand."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.queries.wallet import CouponView, select_coupons, view_of
from loyalty.coupons.rules.states import CouponState, IssuePath, Standing
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.queries import family_ids


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
) -> Page[CouponView]:
    """Return coupons, the newest first; ``store_ids`` keeps those of members who enrolled at these stores.

    Those of a member include what members who were merged into him hold.
    """
    query = select_coupons().order_by(Coupon.id.desc()).limit(limit + 1)
    if template_id is not None:
        query = query.where(Coupon.template_id == template_id)
    if member_id is not None:
        query = query.where(Coupon.member_id.in_(family_ids(member_id)))
    if path is not None:
        query = query.where(Coupon.path == path)
    if stands is not None:
        query = query.where(stands_as(stands, at))
    if store_ids is not None:
        query = query.where(Coupon.member_id.in_(_enrolled_at(store_ids)))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Coupon.id < last_id)
    return page_of([view_of(row, at) for row in session.execute(query)], limit=limit, id_of=lambda view: view.id)


def count_outside(session: Session, *, coupon_ids: Collection[int], store_ids: Collection[int]) -> int:
    """Return how many of some coupons are of members who enrolled elsewhere than at these stores."""
    outside = Coupon.id.in_(coupon_ids) & Coupon.member_id.not_in(_enrolled_at(store_ids))
    return session.execute(select(func.count()).select_from(Coupon).where(outside)).scalar_one()


def count_of_member(session: Session, *, coupon_ids: Collection[int], member_id: int) -> int:
    """Return how many of some coupons are a member's, or of somebody who was merged into him."""
    own = Coupon.id.in_(coupon_ids) & Coupon.member_id.in_(family_ids(member_id))
    return session.execute(select(func.count()).select_from(Coupon).where(own)).scalar_one()


def _enrolled_at(store_ids: Collection[int]) -> Any:
    return select(Member.id).where(Member.enrolled_store_id.in_(store_ids))


def stands_as(stands: Standing, at: datetime) -> ColumnElement[bool]:
    """Return the condition that a coupon stands so: the clock decides, as in ``standing``, whether or not a job ran."""
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
