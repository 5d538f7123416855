"""Reads of redemptions (核销记录): by request, by coupon, by order, by store."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String, Text, bindparam, cast, select
from sqlalchemy.orm import Session

from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponRedemption, CouponTemplateRevision
from loyalty.coupons.rules.discounting import Shares
from loyalty.coupons.rules.errors import CouponRedemptionNotFound
from loyalty.coupons.rules.pricing import Discount
from loyalty.coupons.rules.terms import Terms
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.prepared import send
from loyalty.members.queries import family_ids


@dataclass(frozen=True, slots=True)
class RedemptionView:
    """A coupon that was used, and whether that was reversed."""

    id: int
    coupon_id: int
    member_id: int
    template_id: int
    terms: Terms
    reference: str
    store_id: int | None
    channel: str
    order_id: int | None
    basket_fen: int
    discount_fen: int
    shares: Shares
    bonus_points: int
    actor: str
    redeemed_at: datetime
    reversal_reference: str | None
    reversed_by: str | None
    reversed_at: datetime | None

    @property
    def discount(self) -> Discount:
        """What it took off, as pricing tells it."""
        return Discount(self.coupon_id, self.discount_fen, self.shares)


def find_by_reference(session: Session, *, member_id: int, reference: str) -> Sequence[RedemptionView]:
    """Return what was used under a reference, also by members who were merged into this one."""
    return [_view(row) for row in send(session, _BY_REFERENCE, {"member_id": member_id, "reference": reference})]


def find_of_order(session: Session, *, order_id: int) -> Sequence[RedemptionView]:
    """Return the redemptions of an order, also those that were reversed."""
    return _all(session, _redemptions().where(CouponRedemption.order_id == order_id).order_by(CouponRedemption.id))


def find_standing(session: Session, *, coupon_id: int) -> RedemptionView | None:
    """Return the redemption that stands of a coupon, if it is used."""
    row = CouponRedemption
    found = session.execute(_redemptions().where(row.coupon_id == coupon_id, row.reversed_at.is_(None))).one_or_none()
    return None if found is None else _view(found)


def get_redemption(session: Session, *, redemption_id: int) -> RedemptionView:
    """Return one redemption.

    Raises:
        CouponRedemptionNotFound: there is no such redemption.
    """
    row = session.execute(_redemptions().where(CouponRedemption.id == redemption_id)).one_or_none()
    if row is None:
        raise CouponRedemptionNotFound(redemption_id=redemption_id)
    return _view(row)


def list_redemptions(
    session: Session,
    *,
    store_ids: Collection[int] | None = None,
    template_id: int | None = None,
    actor: str | None = None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[RedemptionView]:
    """Return redemptions, the newest first; ``store_ids`` keeps those at these stores, the end of time is left out."""
    row = CouponRedemption
    query = _redemptions().order_by(row.id.desc()).limit(limit + 1)
    if store_ids is not None:
        query = query.where(row.store_id.in_(store_ids))
    if template_id is not None:
        query = query.where(row.template_id == template_id)
    if actor is not None:
        query = query.where(row.actor == actor)
    if from_at is not None:
        query = query.where(row.redeemed_at >= from_at)
    if until_at is not None:
        query = query.where(row.redeemed_at < until_at)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(row.id < last_id)
    return page_of(_all(session, query), limit=limit, id_of=lambda view: view.id)


def _redemptions() -> Any:
    row = CouponRedemption
    return (
        select(
            *(row.id, row.coupon_id, row.member_id, row.template_id, row.reference, row.store_id, row.channel),
            *(row.order_id, row.basket_fen, row.discount_fen, row.shares, row.bonus_points, row.actor),
            *(row.redeemed_at, row.reversal_reference, row.reversed_by, row.reversed_at),
            cast(CouponTemplateRevision.terms, Text).label("terms"),
        )
        .join(Coupon, Coupon.id == row.coupon_id)
        .join(CouponTemplateRevision, CouponTemplateRevision.id == Coupon.revision_id)
    )


def _by_reference() -> Any:
    row, member_id = CouponRedemption, bindparam("member_id", type_=BigInteger)
    is_wanted = row.reference == bindparam("reference", type_=String)
    return _redemptions().where(row.member_id.in_(family_ids(member_id)), is_wanted).order_by(row.id)


_BY_REFERENCE = _by_reference()


def _all(session: Session, query: Any) -> Sequence[RedemptionView]:
    return [_view(row) for row in session.execute(query)]


def _view(row: AnyRow) -> RedemptionView:
    values = row._asdict()
    shares = tuple((line_number, fen) for line_number, fen in values.pop("shares"))
    return RedemptionView(**values | {"terms": read_terms(row.terms), "shares": shares})
