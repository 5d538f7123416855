"""A member's coupons (券包): what can be used, what was used, what lapsed; those of merged members included."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponRedemption, CouponTemplateRevision
from loyalty.coupons.rules.errors import CouponNotFound
from loyalty.coupons.rules.states import CouponState, IssuePath, Standing
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.standings import standing_of
from loyalty.kernel.database import AnyRow, Database
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.prepared import send
from loyalty.kernel.transaction import run_single
from loyalty.members.queries import family_ids


class Shelf(StrEnum):
    """Where in the wallet a coupon lies."""

    USABLE = "usable"
    """Also what is locked for an unpaid order, and what will be usable later."""
    USED = "used"
    LAPSED = "lapsed"
    """Lapsed or voided (已失效)."""


@dataclass(frozen=True, slots=True)
class CouponView:
    """A coupon as its owner and the staff see it."""

    id: int
    member_id: int
    template_id: int
    revision_id: int
    terms: Terms
    path: IssuePath
    actor: str
    """Who issued it."""
    standing: Standing
    issued_at: datetime
    usable_at: datetime
    expires_at: datetime
    locked_until_at: datetime | None
    redeemed_at: datetime | None
    used_at_store_id: int | None
    points_paid: int


@dataclass(frozen=True, slots=True)
class LatestCoupon:
    """The coupon of a template that a member got last."""

    id: int
    usable_at: datetime
    expires_at: datetime


def list_wallet(
    session: Session,
    *,
    member_id: int,
    shelf: Shelf,
    at: datetime,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[CouponView]:
    """Return the coupons on one shelf: usable ones by which lapses first, the others newest first.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    rows = send(session, _PAGES[shelf], _asked(member_id, at, cursor, limit))
    return _page_of(rows, at, limit)


def wallet_alone(
    database: Database,
    *,
    member_id: int,
    shelf: Shelf,
    at: datetime,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[CouponView]:
    """Return the coupons on one shelf as ``list_wallet`` does, by a statement that is its own transaction.

    Raises:
        InvalidCursor: the cursor was not made by us.
        DatabaseUnavailable: the database does not answer.
    """
    rows = run_single(database, _PAGES[shelf], _asked(member_id, at, cursor, limit))
    return _page_of(rows, at, limit)


def find_latest(session: Session, *, template_id: int, member_id: int) -> LatestCoupon | None:
    """Return the coupon of a template that a member got last, if any."""
    query = select(Coupon.id, Coupon.usable_at, Coupon.expires_at).where(_OWN, Coupon.template_id == template_id)
    row = session.execute(query.order_by(Coupon.id.desc()).limit(1), {"member_id": member_id}).first()
    return None if row is None else LatestCoupon(*row)


def get_coupon(session: Session, *, coupon_id: int, member_id: int | None = None, at: datetime) -> CouponView:
    """Return one coupon; with ``member_id`` only when it is that member's.

    Raises:
        CouponNotFound: there is no such coupon, or it is somebody else's.
    """
    query = select_coupons().where(Coupon.id == coupon_id)
    if member_id is not None:
        query = query.where(_OWN)
    row = session.execute(query, {"member_id": member_id}).one_or_none()
    if row is None:
        raise CouponNotFound(coupon_id=coupon_id)
    return view_of(row, at)


def _asked(member_id: int, at: datetime, cursor: str | None, limit: int) -> Mapping[str, Any]:
    return {"member_id": member_id, "at": at, "last_id": decode_cursor(cursor), "limit": limit + 1}


def _page_of(rows: Iterable[AnyRow], at: datetime, limit: int) -> Page[CouponView]:
    return page_of([view_of(row, at) for row in rows], limit=limit, id_of=lambda view: view.id)


_MEMBER_ID = bindparam("member_id", type_=BigInteger)
_AT: Any = bindparam("at", type_=Coupon.expires_at.type)
_LAST_ID: Any = bindparam("last_id", type_=BigInteger)
_OWN = Coupon.member_id.in_(family_ids(_MEMBER_ID))
_IS_OPEN = Coupon.state.in_([CouponState.ISSUED, CouponState.LOCKED])
_LIVES = func.greatest(Coupon.expires_at, Coupon.locked_until_at) > _AT
"""Until its end, or as long as a lock binds it."""
_ON_SHELF: dict[Shelf, ColumnElement[bool]] = {
    Shelf.USABLE: _IS_OPEN & _LIVES,
    Shelf.USED: Coupon.state == CouponState.REDEEMED,
    Shelf.LAPSED: Coupon.state.in_([CouponState.EXPIRED, CouponState.VOIDED]) | (_IS_OPEN & ~_LIVES),
}
USABLE_COUNT = (
    select(func.count())
    .select_from(Coupon)
    .where(_OWN, _ON_SHELF[Shelf.USABLE])
    .scalar_subquery()
    .label("usable_coupons")
)
"""How many coupons ``member_id`` could use at ``at`` or later, for a statement to take along."""


def select_coupons(coupon: Any = Coupon) -> Any:
    """Select coupons, or some of them, each with the use that stands; ``view_of`` reads a row."""
    used = CouponRedemption
    return (
        select(
            *(coupon.id, coupon.member_id, coupon.template_id, coupon.revision_id, coupon.path, coupon.actor),
            *(coupon.state, coupon.issued_at, coupon.usable_at, coupon.expires_at, coupon.locked_until_at),
            coupon.points_paid,
            cast(CouponTemplateRevision.terms, Text).label("terms"),
            *(used.redeemed_at, used.store_id.label("used_at_store_id")),
        )
        .join(CouponTemplateRevision, CouponTemplateRevision.id == coupon.revision_id)
        .outerjoin(used, (used.coupon_id == coupon.id) & used.reversed_at.is_(None))
    )


def _page(shelf: Shelf) -> Any:
    """The coupons of a page are picked first: terms and uses are read for them alone, not for the whole wallet."""
    picked = select(Coupon).where(_OWN, _ON_SHELF[shelf], _is_after_last(shelf)).order_by(*_order(shelf, Coupon))
    coupon = aliased(Coupon, picked.limit(bindparam("limit", type_=BigInteger)).subquery("page"))
    return select_coupons(coupon).order_by(*_order(shelf, coupon))


def _is_after_last(shelf: Shelf) -> ColumnElement[bool]:
    if shelf is not Shelf.USABLE:
        return Coupon.id < func.coalesce(_LAST_ID, 2**63 - 1)
    last = aliased(Coupon)
    expires_at = select(last.expires_at).where(last.id == _LAST_ID).scalar_subquery()
    return or_(_LAST_ID.is_(None), tuple_(Coupon.expires_at, Coupon.id) > tuple_(expires_at, _LAST_ID))


def _order(shelf: Shelf, coupon: Any) -> Sequence[Any]:
    return (coupon.expires_at, coupon.id) if shelf is Shelf.USABLE else (coupon.id.desc(),)


_PAGES = {shelf: _page(shelf) for shelf in Shelf}


def view_of(row: AnyRow, at: datetime) -> CouponView:
    """Read a coupon as it stands at an instant."""
    return CouponView(
        id=row.id,
        member_id=row.member_id,
        template_id=row.template_id,
        revision_id=row.revision_id,
        terms=read_terms(row.terms),
        path=IssuePath(row.path),
        actor=row.actor,
        standing=standing_of(row, at),
        issued_at=row.issued_at,
        usable_at=row.usable_at,
        expires_at=row.expires_at,
        locked_until_at=row.locked_until_at,
        redeemed_at=row.redeemed_at,
        used_at_store_id=row.used_at_store_id,
        points_paid=row.points_paid,
    )
