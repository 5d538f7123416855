"""Baskets as a key reports them (购物车): coupons and points set aside under one reference until the order is paid."""

from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session

from loyalty.checkout import service as checkout
from loyalty.checkout.rules import PointsPaymentNotFound
from loyalty.kernel.database import Json
from loyalty.kernel.idempotency import Answer, request_hash
from loyalty.partners.rules.keys import PartnerCaller, own_reference
from loyalty.partners.rules.references import MemberName
from loyalty.partners.service.answers import Report, answer_once, member_of
from loyalty.partners.service.coupon_uses import check_still_locked, told_discounts
from loyalty.partners.service.coupons import TillBasket, use_of
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.locating import Located


@dataclass(frozen=True, slots=True)
class BasketWish:
    """Coupons and points that are to pay for a part of an order, under a reference of the till's own."""

    reference: str
    coupon_ids: tuple[int, ...]
    points: int
    basket: TillBasket


def reserve_basket(session: Session, *, desk: Desk, name: MemberName, wish: BasketWish) -> Answer:
    """Set coupons and points aside for an order, both or neither, once by the till's reference.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: the person has not confirmed the membership.
        IdempotencyKeyReused: the reference came before with another content or for another member.
        CouponLockEnded: the reference came before, and its coupons were let go, ran out of time, or were used.
        InvalidOrder, CouponNotFound, CouponNotUsable, PointsNotAccepted, PointsPaymentRefused, InsufficientPoints:
        as ``checkout.reserve_basket``.
    """
    caller = desk.caller
    report = Report(_scope(caller), wish.reference, request_hash(asdict(wish)), wish.basket.store_code, name)

    def take(located: Located) -> Answer:
        reserved = checkout.reserve_basket(
            session,
            member_id=located.require_spender(),
            use=use_of(located, wish.basket, desk),
            coupon_ids=wish.coupon_ids,
            points=wish.points,
            reference=own_reference(caller, wish.reference),
            zone=desk.zone,
            actor=caller.source,
        )
        return Answer(201, _body(wish, reserved))

    answer = answer_once(session, desk=desk, report=report, work=take)
    if answer.is_replay:
        check_still_locked(session, desk=desk, scope=_scope(caller), reference=wish.reference)
    return answer


def release_basket(session: Session, *, desk: Desk, reference: str) -> None:
    """Let go of what was set aside for an order that was not paid (释放); again, nothing happens.

    Raises:
        PointsPaymentNotFound: this key set nothing aside under the reference.
        HoldClosed, CouponLockEnded: it paid for an order.
    """
    member_id = member_of(session, scope=_scope(desk.caller), key=reference)
    if member_id is None:
        raise PointsPaymentNotFound(reference=reference)
    checkout.release_basket(session, member_id=member_id, reference=own_reference(desk.caller, reference), at=desk.at)


def _body(wish: BasketWish, reserved: checkout.ReservedBasket) -> Json:
    locked, held = reserved.locked, reserved.held
    return {
        "reference": wish.reference,
        "discount_fen": locked.lock.discount_fen if locked else 0,
        "coupons": told_discounts(locked.lock.discounts if locked else ()),
        "points": held.points if held else 0,
        "points_fen": held.amount_fen if held else 0,
        "money_fen": reserved.money_fen,
        "expires_at": reserved.expires_at.isoformat(),
    }


def _scope(caller: PartnerCaller) -> str:
    return f"{caller.source}:baskets"
