"""What a clerk sees: their stores, who stands at the till with which coupons, and what they took today."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.clerks.rules import CHANNEL, Visit, VisitOver, is_for_all_goods, sale_of
from loyalty.coupons.held import Use
from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.queries.names import names_of
from loyalty.coupons.queries.redemptions import RedemptionView, find_by_reference, get_redemption, list_redemptions
from loyalty.coupons.rules.errors import CouponRedemptionNotFound
from loyalty.coupons.rules.pricing import Pricing
from loyalty.coupons.rules.sentences import details
from loyalty.coupons.rules.unfit import ABOUT_THE_GOODS
from loyalty.coupons.service.validating import Checked, validate
from loyalty.kernel.clock import business_date, end_of, start_of
from loyalty.kernel.crypto import Vault
from loyalty.kernel.pagination import Page
from loyalty.members.queries import survivor_of
from loyalty.partners.cards import MemberCard, member_card
from loyalty.partners.rules.references import NamedMember
from loyalty.staff.bindings import BoundStaff
from loyalty.stores.models import Store
from loyalty.stores.rules import StoreKind, StoreScope


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store where a clerk may stand."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Guest:
    """Who stands at the till, masked, and the coupons they could use."""

    member: MemberCard
    usable: Sequence[Checked]
    """Here and now, whatever is bought."""
    others: Sequence[Checked]

    @property
    def has_choice(self) -> bool:
        """Whether several of the coupons might pay for one sale, together or instead of each other."""
        return sum(is_for_all_goods(one.terms) for one in self.usable) > 1


@dataclass(frozen=True, slots=True)
class Presented:
    """One coupon as the clerk looks at it."""

    coupon: Checked
    details: tuple[str, ...]

    @property
    def is_taken_here(self) -> bool:
        """Whether it can be used here and now, if what is bought fits."""
        return can_be_taken(self.coupon)


@dataclass(frozen=True, slots=True)
class Sale:
    """The coupons that may pay for a sale, what each takes off by itself, and which save the most together."""

    coupons: Sequence[Checked]
    best: Pricing | None
    """Empty as long as nobody says what the goods cost."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Coupons that were taken for one sale: one use, which is undone as a whole."""

    redemptions: Sequence[RedemptionView]

    @property
    def standing(self) -> Sequence[RedemptionView]:
        """Those that were not reversed."""
        return [one for one in self.redemptions if one.reversed_at is None]

    @property
    def basket_fen(self) -> int:
        """What the goods cost before any coupon."""
        return self.redemptions[0].basket_fen

    @property
    def discount_fen(self) -> int:
        """What the coupons took off together, of those that stand while any does."""
        return sum(one.discount_fen for one in self.standing or self.redemptions)

    @property
    def redeemed_at(self) -> datetime:
        """When all of them were taken."""
        return self.redemptions[0].redeemed_at


@dataclass(frozen=True, slots=True)
class Day:
    """What a clerk took on a business date, the newest first, and what it comes to without what was reversed."""

    page: Page[RedemptionView]
    count: int
    discount_fen: int


def open_stores(session: Session, *, scope: StoreScope) -> Sequence[OpenStore]:
    """Return the open stores of a scope, by code."""
    query = select(Store.id, Store.name).where(Store.kind == StoreKind.STORE, Store.is_open).order_by(Store.code)
    if not scope.is_chain_wide:
        query = query.where(Store.id.in_(scope.store_ids))
    return [OpenStore(*row) for row in session.execute(query)]


def guest_of(session: Session, *, visit: Visit, vault: Vault, at: datetime, zone: ZoneInfo) -> Guest:
    """Return who stands at the till.

    Raises:
        MemberNotFound: the member is gone.
    """
    member = member_card(session, vault=vault, member=NamedMember(visit.member_id, True), at=at)
    checked = validate(session, member_id=visit.member_id, use=use_of(visit, at), zone=zone).coupons
    usable = [one for one in checked if can_be_taken(one)]
    return Guest(member, usable, [one for one in checked if not can_be_taken(one)])


def present(session: Session, *, visit: Visit, coupon_id: int, at: datetime, zone: ZoneInfo) -> Presented:
    """Return one coupon of who stands at the till.

    Raises:
        VisitOver: the code that was read named another coupon.
        CouponNotFound: there is no such coupon, or it is somebody else's.
    """
    require_named(visit, coupon_id)
    found = validate(
        session, member_id=visit.member_id, use=use_of(visit, at), zone=zone, coupon_ids=[coupon_id]
    ).coupons[0]
    return Presented(found, details(found.terms, names_of(session, terms=found.terms)))


def sale_for(session: Session, *, visit: Visit, goods_fen: int | None, at: datetime, zone: ZoneInfo) -> Sale:
    """Return which of the coupons of who stands at the till may pay for a sale, and the best choice among them.

    Raises:
        VisitOver: the code that was read named one coupon.
        InvalidOrder: the goods cannot cost that much.
    """
    if visit.coupon_id is not None:
        raise VisitOver
    use = use_of(visit, at)
    found = validate(session, member_id=visit.member_id, use=use, zone=zone).coupons
    fitting = [one for one in found if can_be_taken(one) and is_for_all_goods(one.terms)]
    if not fitting or not goods_fen:
        return Sale(fitting, None)
    tried = validate(
        session,
        member_id=visit.member_id,
        use=replace(use, lines=sale_of(goods_fen)),
        zone=zone,
        coupon_ids=[one.coupon_id for one in fitting],
    )
    return Sale(tried.coupons, tried.best)


def can_be_taken(coupon: Checked) -> bool:
    """Tell whether a coupon can be used here and now, if what is bought fits."""
    return coupon.reason is None or coupon.reason in ABOUT_THE_GOODS


def require_named(visit: Visit, coupon_id: int) -> None:
    """Make sure that the code that was read named a coupon, or its member.

    Raises:
        VisitOver: it named another coupon.
    """
    if visit.coupon_id not in (None, coupon_id):
        raise VisitOver


def use_of(visit: Visit, at: datetime) -> Use:
    """Return where and when a coupon is to be used, as long as nobody says for what."""
    return Use(visit.store_id, CHANNEL, (), at)


def own_use(session: Session, *, clerk: BoundStaff, redemption_id: int) -> Taken:
    """Return the whole use that a redemption belongs to, of those that a clerk took with their phone.

    Raises:
        CouponRedemptionNotFound: there is none, or somebody else took it.
    """
    known = get_redemption(session, redemption_id=redemption_id)
    if known.actor != clerk.actor_name or not known.reference.startswith(reference_of(clerk, "")):
        raise CouponRedemptionNotFound(redemption_id=redemption_id)
    member_id = survivor_of(session, member_id=known.member_id)
    return Taken(find_by_reference(session, member_id=member_id, reference=known.reference))


def reference_of(clerk: BoundStaff, key: str) -> str:
    """Return the reference of what a clerk does once, by the form that was sent."""
    return f"clerk:{clerk.staff_id}:{key}"


def day_of(
    session: Session, *, clerk: BoundStaff, store_id: int, at: datetime, zone: ZoneInfo, cursor: str | None = None
) -> Day:
    """Return what a clerk took today at a store (今日核销)."""
    today, row = business_date(at, zone), CouponRedemption
    begins_at, ends_at = start_of(today, zone), end_of(today, zone)
    page = list_redemptions(
        session,
        store_ids=[store_id],
        actor=clerk.actor_name,
        from_at=begins_at,
        until_at=ends_at,
        cursor=cursor,
    )
    count, discount_fen = session.execute(
        select(func.count(), func.coalesce(func.sum(row.discount_fen), 0)).where(
            row.store_id == store_id,
            row.redeemed_at >= begins_at,
            row.redeemed_at < ends_at,
            row.actor == clerk.actor_name,
            row.reversed_at.is_(None),
        )
    ).one()
    return Day(page, count, int(discount_fen))
