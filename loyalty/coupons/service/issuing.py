"""Issuing a coupon (发券): the one primitive of every way on which a member gets one.

What stands is looked at, and the member kept from being merged meanwhile; then the price is paid, the limits are taken,
the hottest last, and the coupon is written under its natural key. A refusal has written nothing but the price, which
only members who help themselves pay: their transaction rolls back whole, while an award, which has to survive a
refusal, may go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy import insert as insert_event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.looking import Looking, Situation, check, look_and_stay
from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.errors import CouponLimitReached, CouponReferenceReused, CouponSoldOut
from loyalty.coupons.rules.issuing import explanation_of_price, price_of
from loyalty.coupons.rules.limiting import limits_of, refusal_of
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.validity import Period
from loyalty.kernel.clock import business_date
from loyalty.kernel.prepared import send
from loyalty.limits.rules import Limit, LimitExhausted, day_of
from loyalty.limits.service import give_back, reserve
from loyalty.points.posting import EVENTS, constant, pairs, parameter, parameters, table_of
from loyalty.points.service import spend

COUPONS = table_of(Coupon)


@dataclass(frozen=True, slots=True)
class Issued:
    """A coupon that a member has now; a replay tells of the one issued before."""

    coupon_id: int
    usable_at: datetime
    expires_at: datetime
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Who wants a coupon of which template, on which way, and when."""

    template_id: int
    member_id: int
    path: IssuePath
    reference: str
    store_id: int | None
    actor: str
    at: datetime
    zone: ZoneInfo

    @property
    def on(self) -> date:
        return business_date(self.at, self.zone)


def issue(
    session: Session,
    *,
    template_id: int,
    member_id: int,
    path: IssuePath,
    reference: str,
    at: datetime,
    zone: ZoneInfo,
    store_id: int | None = None,
    actor: str = "system",
) -> Issued:
    """Give a member a coupon of a template (发券), at most one for each reference, for ever.

    Every limit holds on every way: stock in all, of the day and of the store, the member's in all and of the day.
    Where the template has a price and the member helps himself, its points are spent.

    Raises:
        CouponTemplateNotFound: there is no such template, or it was never published.
        MemberNotFound, MemberGone, MemberProvisional: the member can have no coupon.
        CouponReferenceReused: the reference stands for a coupon of another template.
        CouponNotIssuing, CouponNotOpen, CouponClosed: the template issues nothing now on this way.
        CouponPeriodOver: its fixed dates have passed.
        CouponHoursOver: within its period it could not be used any more.
        CouponNotForMember: it is for other tiers or tags.
        CouponSoldOut: nothing is left of the stock.
        CouponLimitReached: the member has as many as one may have.
        InsufficientPoints: the member cannot pay its price.
    """
    return _issue(session, _Wanted(template_id, member_id, path, reference, store_id, actor, at, zone))


def _issue(session: Session, wanted: _Wanted) -> Issued:
    found = _look(session, wanted)
    if found.known is not None:
        return _known(found, wanted.reference)
    period = check(found, path=wanted.path, at=wanted.at, zone=wanted.zone)
    price = _pay(session, wanted, found)
    limits = _limits(wanted, found)
    try:
        reserve(session, limits=limits, amount=1)
    except LimitExhausted as exhausted:
        return _known_or(session, wanted, refusal_of(exhausted))
    coupon_id = _write(session, wanted, found, period, price)
    if coupon_id is None:
        give_back(session, limits=limits, amount=1)
        return _known(_look(session, wanted), wanted.reference)
    return Issued(coupon_id, period.usable_at, period.expires_at)


def _look(session: Session, wanted: _Wanted) -> Situation:
    day = day_of(wanted.on)
    return look_and_stay(
        session, Looking(wanted.template_id, wanted.member_id, wanted.reference, day=day, at=wanted.at)
    )


def _known(found: Situation, reference: str) -> Issued:
    known = found.known
    assert known is not None
    if known.template_id != found.template_id:
        raise CouponReferenceReused(reference=reference)
    return Issued(known.id, known.usable_at, known.expires_at, is_replay=True)


def _pay(session: Session, wanted: _Wanted, found: Situation) -> int:
    price = price_of(found.terms.claiming, wanted.path)
    if price:
        spend(
            session,
            member_id=wanted.member_id,
            points=price,
            reference=f"coupon:{wanted.reference}",
            explanation=explanation_of_price(found.template_id, found.terms.title),
            occurred_at=wanted.at,
            at=wanted.at,
            store_id=wanted.store_id,
            actor=wanted.actor,
        )
    return price


def _known_or(session: Session, wanted: _Wanted, refusal: CouponSoldOut | CouponLimitReached) -> Issued:
    """Answer whoever came at once with the same request: the first has committed, and its coupon hit the limit."""
    found = _look(session, wanted)
    if found.known is None:
        raise refusal
    return _known(found, wanted.reference)


def _write(session: Session, wanted: _Wanted, found: Situation, period: Period, price: int) -> int | None:
    values = {
        "member_id": wanted.member_id,
        "template_id": found.template_id,
        "revision_id": found.revision_id,
        "reference": wanted.reference,
        "path": wanted.path.value,
        "store_id": wanted.store_id,
        "actor": wanted.actor,
        "issued_at": wanted.at,
        "usable_at": period.usable_at,
        "expires_at": period.expires_at,
        "points_paid": price,
    }
    row = next(iter(send(session, _INSERT, parameters(values))), None)
    return None if row is None else row.id


def _limits(wanted: _Wanted, found: Situation) -> Sequence[Limit]:
    return limits_of(
        found.terms,
        template_id=found.template_id,
        stock=found.stock,
        member_id=wanted.member_id,
        store_id=wanted.store_id,
        on=wanted.on,
    )


_VALUES = (
    *("member_id", "template_id", "revision_id", "reference", "path", "store_id", "actor"),
    *("issued_at", "usable_at", "expires_at", "points_paid"),
)


def _insert() -> Any:
    """The coupon and the event that tells of it, or neither when the reference is known."""
    values = {name: parameter(name, COUPONS.c[name].type) for name in _VALUES}
    written = (
        insert(COUPONS).values(**values).on_conflict_do_nothing().returning(*COUPONS.c["id", *_VALUES]).cte("written")
    )
    payload = func.jsonb_build_object(
        constant("coupon_id"), written.c.id, *pairs(("member_id", "template_id", "path"), written.c)
    )
    told = insert_event(EVENTS).from_select(
        ["kind", "payload", "recorded_at"], select(constant("coupon.issued"), payload, written.c.issued_at)
    )
    return select(written.c.id).add_cte(told.cte("told"))


_INSERT = _insert()
