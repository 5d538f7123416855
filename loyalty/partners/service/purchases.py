"""Purchases and refunds as a key reports them: once by their own numbers, however often and late they come."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.checkout import service as checkout
from loyalty.checkout.rules import Basket
from loyalty.kernel.database import Json
from loyalty.kernel.idempotency import Answer, request_hash
from loyalty.members.rules.members import MemberProvisional
from loyalty.orders.rules import Line, Purchase, RefundLine, RefundReport, to_json
from loyalty.partners.rules.keys import PartnerCaller, own_reference
from loyalty.partners.rules.references import MemberName
from loyalty.partners.service.answers import Report, answer_once
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.locating import Located, locate


@dataclass(frozen=True, slots=True)
class ReportedPurchase:
    """A purchase as a till tells it; ``hold_reference`` names coupons and points set aside for it."""

    store_code: str
    order_number: str
    version: int
    channel: str
    paid_at: datetime
    lines: tuple[Line, ...]
    hold_reference: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedRefund:
    """A refund as a till tells it; its purchase may not have been reported yet."""

    store_code: str
    refund_number: str
    order_number: str
    refunded_at: datetime
    lines: tuple[RefundLine, ...]


def preview_purchase(
    session: Session,
    *,
    desk: Desk,
    name: MemberName | None,
    store_code: str,
    channel: str,
    lines: tuple[Line, ...],
    points_fen: int,
    coupon_ids: tuple[int, ...],
) -> checkout.Preview:
    """Return what a basket would earn, by the code that awards (预估); without a member, for anybody.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        InvalidOrder, PointsPaymentRefused: the basket makes no sense.
        CouponNotFound, CouponNotUsable: one of the coupons is not the member's, or does not pay for it.
    """
    located = locate(session, caller=desk.caller, vault=desk.vault, store_code=store_code, name=name, at=desk.at)
    basket = Basket(located.require_store(), channel, lines, points_fen, coupon_ids)
    member = None if name is None else located.require_member()
    member_id = member.member_id if member is not None and member.is_introduced else None
    return checkout.preview(session, desk.vault, member_id=member_id, basket=basket, at=desk.at, zone=desk.zone)


def report_purchase(session: Session, *, desk: Desk, name: MemberName, purchase: ReportedPurchase) -> Answer:
    """Take a purchase of a member and answer what it earned (消费上报).

    A correction is the same order number with a higher version. What the member has is not told where they were not
    introduced.

    Raises:
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        MemberProvisional: points were to pay, and the person has not confirmed the membership.
        IdempotencyKeyReused: the order number came before with other content or for another member.
        InvalidOrder, OrderVersionOutdated, RefundExceedsOrder, PointsPaymentNotFound, PointsPaymentRefused,
        HoldClosed, CouponNotUsable: as ``checkout.purchase``.
    """
    caller, key = desk.caller, f"{purchase.order_number}/{purchase.version}"
    content = request_hash(_content(purchase))
    report = Report(f"{caller.source}:purchases", key, content, purchase.store_code, name)

    def take(located: Located) -> Answer:
        told = _told(caller, purchase, located)
        member, hold = located.require_member(), purchase.hold_reference
        if hold is not None and not member.is_introduced:
            raise MemberProvisional
        outcome = checkout.purchase(
            session,
            desk.vault,
            purchase=told,
            hold_reference=None if hold is None else own_reference(caller, hold),
            at=desk.at,
            zone=desk.zone,
        )
        return Answer(201, _purchase_body(purchase, outcome, is_introduced=member.is_introduced))

    return answer_once(session, desk=desk, report=report, work=take)


def report_refund(session: Session, *, desk: Desk, refund: ReportedRefund) -> Answer:
    """Take a refund and answer what it undid (退款上报); one that comes before its purchase waits for it.

    Raises:
        StoreNotFound: no open store of this key has the code.
        IdempotencyKeyReused: the refund number came before with other content.
        InvalidOrder, RefundExceedsOrder: as ``checkout.refund``.
    """
    caller = desk.caller
    content = request_hash(asdict(refund))
    report = Report(f"{caller.source}:refunds", refund.refund_number, content, refund.store_code)

    def take(located: Located) -> Answer:
        outcome = checkout.refund(
            session,
            refund=RefundReport(
                source=caller.source,
                refund_number=refund.refund_number,
                order_number=refund.order_number,
                refunded_at=refund.refunded_at,
                lines=refund.lines,
                store_id=located.require_store(),
            ),
            at=desk.at,
            zone=desk.zone,
        )
        return Answer(202 if outcome.is_waiting_for_purchase else 201, _refund_body(refund, outcome))

    return answer_once(session, desk=desk, report=report, work=take)


def _content(purchase: ReportedPurchase) -> Json:
    """Return all that was told of a purchase; what is made of it never changes, since its hash is kept for ever."""
    return {
        "store_code": purchase.store_code,
        "order_number": purchase.order_number,
        "version": purchase.version,
        "channel": purchase.channel,
        "paid_at": purchase.paid_at,
        "lines": to_json(purchase.lines),
        "hold_reference": purchase.hold_reference,
    }


def _told(caller: PartnerCaller, purchase: ReportedPurchase, located: Located) -> Purchase:
    return Purchase(
        source=caller.source,
        order_number=purchase.order_number,
        store_id=located.require_store(),
        member_id=located.require_member().member_id,
        channel=purchase.channel,
        paid_at=purchase.paid_at,
        lines=purchase.lines,
        version=purchase.version,
    )


def _purchase_body(purchase: ReportedPurchase, outcome: checkout.PurchaseOutcome, *, is_introduced: bool) -> Json:
    return {
        "order_number": purchase.order_number,
        "version": purchase.version,
        "points": outcome.points,
        "growth": outcome.growth,
        "balance_after": outcome.balance_after if is_introduced else None,
        "captured_points": outcome.captured_points,
        "captured_fen": outcome.captured_fen,
        "discount_fen": outcome.discount_fen,
        "reasons": list(outcome.sentences),
    }


def _refund_body(refund: ReportedRefund, outcome: checkout.RefundOutcome) -> Json:
    return {
        "refund_number": refund.refund_number,
        "order_number": refund.order_number,
        "is_waiting_for_purchase": outcome.is_waiting_for_purchase,
        "points_taken_back": outcome.points_taken_back,
        "points_returned": outcome.points_returned,
        "money_fen": outcome.money_fen,
        "returned_coupon_ids": list(outcome.returned_coupon_ids),
        "growth_taken_back": outcome.growth_taken_back,
        "debt": outcome.debt,
    }
