"""What a clerk does: read a code, take a coupon, undo what was a mistake."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.clerks.queries import get_own, reference_of, require_named
from loyalty.clerks.rules import (
    CHANNEL,
    TRIES_MAX,
    VISIT_LIFETIME,
    NotTheCodeOfAnything,
    ReversalTooLate,
    Typed,
    Visit,
    is_reversible,
    lines_of,
)
from loyalty.coupons.held import Use
from loyalty.coupons.queries.redemptions import RedemptionView
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules import codes
from loyalty.coupons.rules.errors import CouponCodeInvalid, CouponNotFound
from loyalty.coupons.service.redeeming import redeem
from loyalty.coupons.service.reversing import reverse_redemption
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.idempotency import Answer, once, request_hash
from loyalty.members.rules import member_code
from loyalty.partners.service.member_codes import living, meet, take_code
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
    done = redeem(
        session,
        member_id=visit.member_id,
        coupon_ids=[coupon_id],
        reference=reference_of(clerk, key),
        use=Use(visit.store_id, CHANNEL, lines_of(terms, typed), at),
        zone=zone,
        actor=clerk.actor_name,
    )
    redemption = done.redemptions[0]
    if not done.is_replay:
        _audit(session, redemption, "coupons.redeem", actor, at, discount_fen=redemption.discount_fen)
    return redemption


def undo(
    session: Session, *, clerk: BoundStaff, redemption_id: int, actor: Actor, at: datetime, zone: ZoneInfo
) -> RedemptionView:
    """Undo a use of the clerk's own within half an hour (撤销核销); again, nothing happens.

    Raises:
        CouponRedemptionNotFound: there is none, or somebody else took it.
        ReversalTooLate: it was longer ago.
        CouponRedemptionReversed: the back office undid it.
    """
    known = get_own(session, clerk=clerk, redemption_id=redemption_id)
    if known.reversed_at is None and not is_reversible(redeemed_at=known.redeemed_at, at=at):
        raise ReversalTooLate
    undone = reverse_redemption(
        session,
        redemption_id=redemption_id,
        reference=reference_of(clerk, f"undo-{redemption_id}"),
        at=at,
        zone=zone,
        actor=clerk.actor_name,
    )
    if known.reversed_at is None:
        _audit(session, undone, "coupons.undo_own", actor, at)
    return undone


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
    coupon_id = codes.read_code(code_key, code, at)
    try:
        member_id = living(session, get_coupon(session, coupon_id=coupon_id, at=at).member_id)
    except CouponNotFound as error:
        raise CouponCodeInvalid from error
    if member_id is None:
        raise CouponCodeInvalid
    meet(session, member_id=member_id, store_id=store_id, at=at)
    return member_id, coupon_id
