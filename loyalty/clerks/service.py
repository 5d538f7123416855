"""What a clerk does: read a code, take a coupon, undo what was a mistake."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.clerks.queries import Taken, own_use, reference_of, require_named, use_of
from loyalty.clerks.rules import (
    TRIES_MAX,
    VISIT_LIFETIME,
    NothingChosen,
    NotTheCodeOfAnything,
    ReversalTooLate,
    Typed,
    Visit,
    VisitOver,
    check_chosen,
    is_reversible,
    lines_of,
    sale_of,
)
from loyalty.coupons.held import Use
from loyalty.coupons.queries.redemptions import RedemptionView
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules import codes
from loyalty.coupons.service.redeeming import redeem
from loyalty.coupons.service.reversing import hold_redemption, reverse_redemption
from loyalty.coupons.service.validating import validate
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.idempotency import Answer, once, request_hash
from loyalty.members.rules import member_code
from loyalty.partners.service.coupon_codes import read_coupon_code
from loyalty.partners.service.member_codes import take_code
from loyalty.staff.bindings import BoundStaff
from loyalty.staff.service import throttle


def read_code(
    database: Database, *, clerk: BoundStaff, store_id: int, code: str, key: str, code_key: bytes, at: datetime
) -> Visit:
    """Find out whom or what a code names (扫码): a member code once, a coupon code as often as it is shown.

    ``key`` is that of the form: the same form again names the same, until its quarter of an hour is over.

    Raises:
        TooManyCodes: the clerk has read too many wrong codes.
        NotTheCodeOfAnything: it is neither.
        MemberCodeInvalid, CouponCodeInvalid: it is too old, or not ours.
        MemberCodeUsed: it was read before.
        IdempotencyKeyReused: the form was sent before with another code.
    """
    subject = throttle.subject_of("clerk-codes", str(clerk.staff_id))
    digits = "".join(code.split())

    return throttle.read_throttled(
        database,
        subject=subject,
        limit=TRIES_MAX,
        at=at,
        read=lambda session: _read_once(session, clerk, store_id, digits, key, code_key, at),
    )


def take_coupon(
    session: Session,
    *,
    clerk: BoundStaff,
    visit: Visit,
    coupon_id: int,
    typed: Typed,
    key: str,
    actor: Actor,
    at: datetime,
    zone: ZoneInfo,
) -> RedemptionView:
    """Take a coupon at the till (核销), once for each form that is sent.

    Raises:
        VisitOver: the code that was read named another coupon.
        AmountMissing: what the goods cost was not typed, and decides what the coupon is worth.
        CouponNotFound, CouponNotUsable, CouponUseReferenceReused, InvalidOrder: as ``redeem``.
    """
    require_named(visit, coupon_id)
    terms = get_coupon(session, coupon_id=coupon_id, member_id=visit.member_id, at=at).terms
    use = replace(use_of(visit, at), lines=lines_of(terms, typed))
    return _take(session, clerk, visit, [coupon_id], use, key, actor, zone)


def take_together(
    session: Session,
    *,
    clerk: BoundStaff,
    visit: Visit,
    coupon_ids: Sequence[int],
    goods_fen: int | None,
    key: str,
    actor: Actor,
    at: datetime,
    zone: ZoneInfo,
) -> RedemptionView:
    """Take coupons for one sale (叠加核销), all of them or none, once for each form that is sent; return the first.

    Raises:
        VisitOver: the code that was read named one coupon.
        NothingChosen: there are none.
        CouponTakenAlone: one of them is not for all goods.
        AmountMissing: what the goods cost was not typed, and decides what one of them is worth.
        CouponNotFound, CouponNotUsable, CouponUseReferenceReused, InvalidOrder: as ``redeem``.
    """
    if visit.coupon_id is not None:
        raise VisitOver
    if not coupon_ids:
        raise NothingChosen
    use = use_of(visit, at)
    chosen = validate(session, member_id=visit.member_id, use=use, zone=zone, coupon_ids=coupon_ids).coupons
    check_chosen([one.terms for one in chosen], goods_fen)
    use = replace(use, lines=sale_of(goods_fen))
    return _take(session, clerk, visit, coupon_ids, use, key, actor, zone)


def undo(
    session: Session, *, clerk: BoundStaff, redemption_id: int, actor: Actor, at: datetime, zone: ZoneInfo
) -> None:
    """Undo a use of the clerk's own within half an hour (撤销核销), all of its coupons; again, nothing happens.

    What the back office has undone of it stays as it is.

    Raises:
        CouponRedemptionNotFound: there is none, or somebody else took it.
        ReversalTooLate: it was longer ago.
        CouponRedemptionReversed: the back office undid it.
    """
    use = own_use(session, clerk=clerk, redemption_id=redemption_id)
    ids = [one.id for one in sorted(use.redemptions, key=lambda one: one.coupon_id)]
    held = Taken([hold_redemption(session, redemption_id=each) for each in ids])
    if held.standing and not is_reversible(redeemed_at=held.redeemed_at, at=at):
        raise ReversalTooLate
    for one in held.standing or held.redemptions:
        reference = reference_of(clerk, f"undo-{one.id}")
        reverse_redemption(session, redemption_id=one.id, reference=reference, at=at, zone=zone, actor=clerk.actor_name)
        if one.reversed_at is None:
            _audit(session, one, "coupons.undo_own", actor, at)


def _take(
    session: Session,
    clerk: BoundStaff,
    visit: Visit,
    coupon_ids: Sequence[int],
    use: Use,
    key: str,
    actor: Actor,
    zone: ZoneInfo,
) -> RedemptionView:
    done = redeem(
        session,
        member_id=visit.member_id,
        coupon_ids=coupon_ids,
        reference=reference_of(clerk, key),
        use=use,
        zone=zone,
        actor=clerk.actor_name,
    )
    for one in () if done.is_replay else done.redemptions:
        _audit(session, one, "coupons.redeem", actor, use.at, discount_fen=one.discount_fen)
    return done.redemptions[0]


def _audit(
    session: Session, redemption: RedemptionView, action: str, actor: Actor, at: datetime, **figures: int
) -> None:
    after = {"coupon_id": redemption.coupon_id, "store_id": redemption.store_id, **figures}
    audit.write(session, actor=actor, action=action, subject=f"coupon_redemption:{redemption.id}", after=after, at=at)


def _read_once(
    session: Session, clerk: BoundStaff, store_id: int, code: str, key: str, code_key: bytes, at: datetime
) -> Visit:
    def work() -> Answer:
        member_id, coupon_id = _named_by(session, store_id, code, code_key, at)
        until = at + VISIT_LIFETIME
        return Answer(200, {"member_id": member_id, "coupon_id": coupon_id, "until": until.isoformat()})

    told = once(
        session,
        scope=f"{clerk.actor_name}:codes",
        key=key,
        request=request_hash(store_id, code),
        at=at,
        work=work,
    ).body
    until = datetime.fromisoformat(told["until"])
    return Visit(clerk.staff_id, store_id, told["member_id"], told["coupon_id"], until)


def _named_by(session: Session, store_id: int, code: str, code_key: bytes, at: datetime) -> tuple[int, int | None]:
    if code.startswith(member_code.PREFIX):
        return take_code(session, code_key=code_key, code=code, store_id=store_id, at=at), None
    if not code.startswith(codes.PREFIX):
        raise NotTheCodeOfAnything
    return read_coupon_code(session, code_key=code_key, code=code, store_id=store_id, at=at)
