"""Using coupons as a key reports it (核销): locked or let go, redeemed, and undone; a key sees its own stores alone."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.queries.redemptions import RedemptionView, get_redemption
from loyalty.coupons.rules.discounting import Shares
from loyalty.coupons.rules.errors import CouponLockNotFound, CouponRedemptionNotFound
from loyalty.coupons.rules.pricing import Discount
from loyalty.coupons.service.locking import check_binding, lock, unlock
from loyalty.coupons.service.redeeming import Redeemed, redeem
from loyalty.coupons.service.reversing import reverse_redemption
from loyalty.coupons.service.settling import redeem_locked
from loyalty.kernel.database import Json
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.idempotency import Answer, request_hash
from loyalty.partners.queries import roots_of, stores_of
from loyalty.partners.rules.keys import PartnerCaller, own_reference
from loyalty.partners.rules.references import MemberName
from loyalty.partners.service.answers import Report, answer_once, member_of
from loyalty.partners.service.coupons import TillBasket, use_of
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.locating import Located
from loyalty.stores.models import Store


class CouponsNotNamed(InvalidInput):
    """Coupons are named by their ids or by a lock: by exactly one of the two."""

    code = "coupons_not_named"
    message = "请用 coupon_ids 或 lock_reference 之一指明优惠券"


@dataclass(frozen=True, slots=True)
class LockWish:
    """Coupons to set aside for an order that is not paid yet, under a reference of the till's own."""

    reference: str
    coupon_ids: tuple[int, ...]
    basket: TillBasket
    minutes: int


@dataclass(frozen=True, slots=True)
class RedeemWish:
    """Coupons to use under a reference of the till's own: named, or locked before under ``lock_reference``."""

    reference: str
    coupon_ids: tuple[int, ...] | None
    lock_reference: str | None
    basket: TillBasket


def lock_coupons(session: Session, *, desk: Desk, name: MemberName, wish: LockWish) -> Answer:
    """Set coupons aside for an order (锁定), all or none, once by the till's reference.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: the person has not confirmed the membership.
        IdempotencyKeyReused: the reference came before with another content or for another member.
        CouponLockEnded: the reference came before, and its lock was let go, ran out, or was used.
        InvalidOrder, InvalidCouponLockPeriod, CouponNotFound, CouponNotUsable: as ``coupons.lock``.
    """
    caller = desk.caller

    def take(located: Located) -> Answer:
        made = lock(
            session,
            member_id=located.require_spender(),
            coupon_ids=wish.coupon_ids,
            reference=own_reference(caller, wish.reference),
            use=use_of(located, wish.basket, desk),
            expires_at=desk.at + timedelta(minutes=wish.minutes),
            zone=desk.zone,
            actor=caller.source,
        ).lock
        told = {"discount_fen": made.discount_fen, "coupons": told_discounts(made.discounts)}
        return Answer(201, {"reference": wish.reference, **told, "expires_at": made.expires_at.isoformat()})

    answer = answer_once(session, desk=desk, report=_report(_locks(caller), wish, name), work=take)
    if answer.is_replay:
        check_still_locked(session, desk=desk, scope=_locks(caller), reference=wish.reference)
    return answer


def check_still_locked(session: Session, *, desk: Desk, scope: str, reference: str) -> None:
    """Refuse to tell once more of a lock that does not bind any more: the till would count on it.

    Raises:
        CouponLockEnded: it was let go, ran out, or was used.
    """
    member_id = member_of(session, scope=scope, key=reference)
    if member_id is not None:
        check_binding(session, member_id=member_id, reference=own_reference(desk.caller, reference), at=desk.at)


def unlock_coupons(session: Session, *, desk: Desk, reference: str) -> None:
    """Let go of coupons that were set aside (释放); again, nothing happens.

    Raises:
        CouponLockNotFound: this key set nothing aside under the reference.
        CouponLockEnded: the coupons were used.
    """
    member_id = member_of(session, scope=_locks(desk.caller), key=reference)
    if member_id is None:
        raise CouponLockNotFound(reference=reference)
    unlock(session, member_id=member_id, reference=own_reference(desk.caller, reference), at=desk.at)


def redeem_coupons(session: Session, *, desk: Desk, name: MemberName, wish: RedeemWish) -> Answer:
    """Use coupons (核销), all or none, once by the till's reference.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: the person has not confirmed the membership.
        CouponsNotNamed: by nothing, or twice.
        IdempotencyKeyReused: the reference came before with another content or for another member.
        InvalidOrder, CouponNotFound, CouponNotUsable, CouponLockNotFound: as ``redeem`` and ``redeem_locked``.
    """
    if (wish.coupon_ids is None) == (wish.lock_reference is None):
        raise CouponsNotNamed

    def take(located: Located) -> Answer:
        done = _redeem(session, desk, located, wish)
        told = [
            {"redemption_id": one.id, **_told(one.discount), "bonus_points": one.bonus_points}
            for one in done.redemptions
        ]
        return Answer(201, {"reference": wish.reference, "discount_fen": done.discount_fen, "coupons": told})

    report = _report(f"{desk.caller.source}:coupon_redemptions", wish, name)
    return answer_once(session, desk=desk, report=report, work=take)


def undo_redemption(session: Session, *, desk: Desk, redemption_id: int) -> RedemptionView:
    """Undo a use at one of the key's stores (撤销核销), whoever took the coupon; again, nothing happens.

    Raises:
        CouponRedemptionNotFound: there is no such use, or it was elsewhere.
        CouponRedemptionOfOrder: it paid for an order that was reported.
        CouponRedemptionReversed: somebody else undid it.
    """
    caller, known = desk.caller, get_redemption(session, redemption_id=redemption_id)
    is_own = select(Store.id).where(Store.id == known.store_id, Store.id.in_(stores_of(roots_of(caller))))
    if session.scalar(is_own) is None:
        raise CouponRedemptionNotFound(redemption_id=redemption_id)
    return reverse_redemption(
        session,
        redemption_id=redemption_id,
        reference=own_reference(caller, f"redemption:{redemption_id}"),
        at=desk.at,
        zone=desk.zone,
        actor=caller.source,
    )


def told_discounts(discounts: Iterable[Discount]) -> Sequence[Json]:
    """Return what coupons take off, as a till reads it."""
    return [_told(discount) for discount in discounts]


def told_lines(shares: Shares) -> Sequence[Json]:
    """Return what is taken off which line, as a till reads it."""
    return [{"line_number": number, "discount_fen": fen} for number, fen in shares]


def _told(discount: Discount) -> Json:
    return {
        "coupon_id": discount.coupon_id,
        "discount_fen": discount.discount_fen,
        "lines": told_lines(discount.shares),
    }


def _redeem(session: Session, desk: Desk, located: Located, wish: RedeemWish) -> Redeemed:
    caller, use = desk.caller, use_of(located, wish.basket, desk)
    reference = own_reference(caller, wish.reference)
    if wish.lock_reference is not None:
        return redeem_locked(
            session,
            member_id=located.require_spender(),
            lock_reference=own_reference(caller, wish.lock_reference),
            reference=reference,
            use=use,
            zone=desk.zone,
            actor=caller.source,
        )
    return redeem(
        session,
        member_id=located.require_spender(),
        coupon_ids=wish.coupon_ids or (),
        reference=reference,
        use=use,
        zone=desk.zone,
        actor=caller.source,
    )


def _report(scope: str, wish: LockWish | RedeemWish, name: MemberName) -> Report:
    return Report(scope, wish.reference, request_hash(asdict(wish)), wish.basket.store_code, name)


def _locks(caller: PartnerCaller) -> str:
    return f"{caller.source}:coupon_locks"
