"""Coupons as a key asks for them (优惠券): whose there are, what they would take off, what a code names, giving one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.held import Use
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.queries.wallet import CouponView, Shelf, list_wallet
from loyalty.coupons.rules.basket import Basket, is_at
from loyalty.coupons.rules.errors import CouponTemplateNotFound
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.issuing import issue
from loyalty.coupons.service.validating import Checked, Validation, validate
from loyalty.kernel.database import Database
from loyalty.kernel.idempotency import Answer, request_hash
from loyalty.kernel.local_time import local_time
from loyalty.kernel.pagination import Page
from loyalty.orders.rules import Line
from loyalty.partners.queries import require_store
from loyalty.partners.rules.keys import own_reference
from loyalty.partners.rules.references import IssuedRef, MemberName
from loyalty.partners.service.answers import Report, answer_once
from loyalty.partners.service.coupon_codes import read_coupon_code
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.locating import Located, locate
from loyalty.partners.service.references import issue_ref
from loyalty.staff.service import throttle
from loyalty.stores.queries import region_of

CHANNEL = "pos"
"""Where coupon codes are read."""
TRIES_MAX = 100
"""How many coupon codes that turn out wrong a key may read at one store within a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class TillBasket:
    """What is about to be bought, as a till tells it; prices are those before coupons and points."""

    store_code: str
    channel: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class IssueWish:
    """A coupon to give, under a reference of the till's own."""

    store_code: str
    reference: str
    template_id: int


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a coupon code names: the coupon, and a reference to its owner."""

    coupon: Checked
    """As it stands at the store, as long as nobody says what is bought."""
    ref: IssuedRef


def list_coupons(session: Session, *, desk: Desk, name: MemberName, cursor: str | None, limit: int) -> Page[CouponView]:
    """Return the coupons that a member can use now or later, those that lapse the soonest first.

    Raises:
        MemberRefNotFound: the reference is not of this key, or too old.
        MemberProvisional: the person has not confirmed the membership.
        InvalidCursor: the cursor was not made by us.
    """
    located = locate(session, caller=desk.caller, vault=desk.vault, name=name, at=desk.at)
    member_id = located.require_spender()
    return list_wallet(session, member_id=member_id, shelf=Shelf.USABLE, at=desk.at, cursor=cursor, limit=limit)


def validate_coupons(
    session: Session, *, desk: Desk, name: MemberName, basket: TillBasket, coupon_ids: Sequence[int] | None
) -> Validation:
    """Return what each of a member's coupons would take off a basket, and which save the most (验券); nothing changes.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: the person has not confirmed the membership.
        CouponNotFound: one of the coupons does not exist, or is somebody else's.
        InvalidOrder: the basket makes no sense.
    """
    located = locate(session, caller=desk.caller, vault=desk.vault, store_code=basket.store_code, name=name, at=desk.at)
    use = use_of(located, basket, desk)
    return validate(session, member_id=located.require_spender(), use=use, zone=desk.zone, coupon_ids=coupon_ids)


def look_up(database: Database, *, desk: Desk, store_code: str, code: str, code_key: bytes) -> LookedUp:
    """Return what a coupon's rotating code names (券码查询); who shows it has come to the store.

    Raises:
        StoreNotFound: no open store of this key has the code.
        TooManyCodes: too many codes read at this store were wrong.
        CouponCodeInvalid: the code was not made by us, or is too old.
    """
    subject = throttle.subject_of("partner-codes", f"{desk.caller.id}:{store_code}")

    def look(session: Session) -> LookedUp:
        store_id = require_store(session, caller=desk.caller, code=store_code)
        return _named_by(session, desk, store_id, code, code_key)

    return throttle.read_throttled(database, subject=subject, limit=TRIES_MAX, at=desk.at, read=look)


def issue_coupon(session: Session, *, desk: Desk, name: MemberName, wish: IssueWish) -> Answer:
    """Give a member a coupon of a template that holds at the store (发券), once by the till's reference.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: the person has not confirmed the membership.
        IdempotencyKeyReused: the reference came before with another template or for another member.
        CouponTemplateNotFound: there is no such template, or its coupons do not hold at the store.
        CouponSoldOut, CouponLimitReached, CouponNotForMember and the others of ``issue``.
    """
    caller = desk.caller
    report = Report(f"{caller.source}:coupons", wish.reference, request_hash(asdict(wish)), wish.store_code, name)

    def give(located: Located) -> Answer:
        store_id, member_id = located.require_store(), located.require_spender()
        _require_holding_at(session, desk, wish.template_id, store_id)
        issued = issue(
            session,
            template_id=wish.template_id,
            member_id=member_id,
            path=IssuePath.PARTNER,
            reference=own_reference(caller, wish.reference),
            at=desk.at,
            zone=desk.zone,
            store_id=store_id,
            actor=caller.source,
        )
        period = {"usable_at": issued.usable_at.isoformat(), "expires_at": issued.expires_at.isoformat()}
        return Answer(201, {"reference": wish.reference, "coupon_id": issued.coupon_id, **period})

    return answer_once(session, desk=desk, report=report, work=give)


def use_of(located: Located, basket: TillBasket, desk: Desk) -> Use:
    """Return where and for what coupons are to be used.

    Raises:
        StoreNotFound: no open store of this key has the code.
    """
    return Use(located.require_store(), basket.channel, basket.lines, desk.at)


def _named_by(session: Session, desk: Desk, store_id: int, code: str, code_key: bytes) -> LookedUp:
    member_id, coupon_id = read_coupon_code(session, code_key=code_key, code=code, store_id=store_id, at=desk.at)
    nothing_said = Use(store_id, CHANNEL, (), desk.at)
    checked = validate(session, member_id=member_id, use=nothing_said, zone=desk.zone, coupon_ids=[coupon_id])
    return LookedUp(checked.coupons[0], issue_ref(session, desk.caller, member_id, is_introduced=True, at=desk.at))


def _require_holding_at(session: Session, desk: Desk, template_id: int, store_id: int) -> None:
    terms = get_template(session, template_id=template_id).published
    here = Basket(
        store_id=store_id,
        region_id=session.scalar(select(region_of(store_id))),
        channel=CHANNEL,
        lines=(),
        local=local_time(desk.at, desk.zone),
        at=desk.at,
    )
    if terms is None or not is_at(terms.scope, here):
        raise CouponTemplateNotFound(template_id=template_id)
