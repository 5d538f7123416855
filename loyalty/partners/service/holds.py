"""Points as money as a key asks for it (积分抵现): quoted, set aside, taken or let go; a key sees its own alone."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.checkout import service as checkout
from loyalty.checkout.rules import PointsPaymentNotFound, PointsQuote
from loyalty.checkout.service.points_as_money import ledger_reference
from loyalty.kernel.database import Json
from loyalty.kernel.idempotency import Answer, request_hash
from loyalty.partners.rules.keys import PartnerCaller, own_reference
from loyalty.partners.rules.references import MemberName
from loyalty.partners.service.answers import Report, answer_once, member_of
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.locating import Located, locate
from loyalty.points import service as points


@dataclass(frozen=True, slots=True)
class HoldWish:
    """Points to set aside for an order of ``amount_fen``, under a reference of the till's own."""

    store_code: str
    reference: str
    points: int
    amount_fen: int


def quote_points(session: Session, *, desk: Desk, name: MemberName, store_code: str, amount_fen: int) -> PointsQuote:
    """Return how many of a member's points may pay for an order (可抵现积分).

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: the person has not confirmed the membership.
        PointsNotAccepted: points do not pay for purchases.
    """
    located = locate(session, caller=desk.caller, vault=desk.vault, store_code=store_code, name=name, at=desk.at)
    located.require_store()
    return checkout.quote_points(session, member_id=located.require_spender(), amount_fen=amount_fen, at=desk.at)


def hold_points(session: Session, *, desk: Desk, name: MemberName, wish: HoldWish) -> Answer:
    """Set points aside for an order (冻结), once by the till's reference.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: the person has not confirmed the membership.
        IdempotencyKeyReused: the reference came before with other figures or for another member.
        PointsNotAccepted, PointsPaymentRefused, InsufficientPoints: as ``checkout.hold_points``.
    """
    caller = desk.caller
    report = Report(_scope(caller), wish.reference, request_hash(asdict(wish)), wish.store_code, name)

    def take(located: Located) -> Answer:
        store_id = located.require_store()
        held = checkout.hold_points(
            session,
            member_id=located.require_spender(),
            points=wish.points,
            amount_fen=wish.amount_fen,
            reference=own_reference(caller, wish.reference),
            at=desk.at,
            store_id=store_id,
            actor=caller.source,
        )
        return Answer(201, _hold_body(wish, held))

    return answer_once(session, desk=desk, report=report, work=take)


def capture_hold(session: Session, *, caller: PartnerCaller, reference: str, at: datetime) -> None:
    """Take points that were set aside, all of them (扣除); again, nothing happens.

    The purchase is reported afterwards with the same reference, and is then paid by these points.

    Raises:
        PointsPaymentNotFound: this key set nothing aside under the reference.
        HoldClosed: the points were let go, or their time ran out.
    """
    points.capture(
        session,
        member_id=_holder(session, caller, reference),
        reference=ledger_reference(own_reference(caller, reference)),
        points=None,
        explanation={"rule": "points_as_money", "partner_key_id": caller.id},
        occurred_at=at,
        at=at,
        actor=caller.source,
    )


def release_hold(session: Session, *, caller: PartnerCaller, reference: str, at: datetime) -> None:
    """Let go of points that were set aside (解冻); again, nothing happens.

    Raises:
        PointsPaymentNotFound: this key set nothing aside under the reference.
        HoldClosed: they were taken.
    """
    member_id = _holder(session, caller, reference)
    checkout.release_points(session, member_id=member_id, reference=own_reference(caller, reference), at=at)


def _hold_body(wish: HoldWish, held: checkout.PointsHold) -> Json:
    return {
        "reference": wish.reference,
        "points": held.points,
        "amount_fen": held.amount_fen,
        "expires_at": held.expires_at.isoformat(),
    }


def _holder(session: Session, caller: PartnerCaller, reference: str) -> int:
    member_id = member_of(session, scope=_scope(caller), key=reference)
    if member_id is None:
        raise PointsPaymentNotFound(reference=reference)
    return member_id


def _scope(caller: PartnerCaller) -> str:
    return f"{caller.source}:holds"
