"""Purchases and refunds, and what a basket would earn."""

from typing import Any

from flask import Response, jsonify, make_response

from loyalty.kernel.database import Session
from loyalty.kernel.idempotency import Answer
from loyalty.kernel.transaction import run
from loyalty.orders.rules import Line, RefundLine
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.purchases import (
    ReportedPurchase,
    ReportedRefund,
    preview_purchase,
    report_purchase,
    report_refund,
)
from portal.context import container
from portal.partner_api.desk import desk, member_name, optional_member_name
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.schemas import purchases as schemas

blueprint = subject("purchases", __name__, description="Report purchases and refunds.")


@blueprint.post("/purchase-previews")
@blueprint.arguments(schemas.PreviewRequest)
@blueprint.response(200, schemas.Preview)
def preview(body: dict[str, Any]) -> dict[str, Any]:
    """Tell what a basket would earn if it were paid now; nothing is kept."""
    here, name, lines = desk(), optional_member_name(body), _lines(body)
    found = run(
        container().database,
        lambda session: preview_purchase(
            session,
            desk=here,
            name=name,
            store_code=body["store_code"],
            channel=body["channel"],
            lines=lines,
            points_fen=body["points_fen"],
            coupon_ids=tuple(body["coupon_ids"] or ()),
        ),
    )
    return {"points": found.points, "growth": found.growth, "reasons": found.sentences}


@blueprint.post("/purchases")
@blueprint.arguments(schemas.PurchaseRequest)
@blueprint.response(201, schemas.Purchase)
def purchase(body: dict[str, Any]) -> Response:
    """Report a purchase: it earns at once; the same order number again gets the same answer, for ever."""
    here = desk()
    return answered(run(container().database, lambda session: take_purchase(session, here, body)))


@blueprint.post("/refunds")
@blueprint.arguments(schemas.RefundRequest)
@blueprint.response(201, schemas.Refund)
@blueprint.alt_response(202, schema=schemas.Refund, description="The purchase has not been reported yet.")
def refund(body: dict[str, Any]) -> Response:
    """Report a refund: what its lines earned is taken back by the rules that paid."""
    here = desk()
    return answered(run(container().database, lambda session: take_refund(session, here, body)))


def take_purchase(session: Session, here: Desk, body: dict[str, Any]) -> Answer:
    """Take a purchase, sent alone or in a batch."""
    reported = ReportedPurchase(
        store_code=body["store_code"],
        order_number=body["order_number"],
        version=body["version"],
        channel=body["channel"],
        paid_at=body["paid_at"],
        lines=_lines(body),
        hold_reference=body["hold_reference"],
    )
    return report_purchase(session, desk=here, name=member_name(body), purchase=reported)


def take_refund(session: Session, here: Desk, body: dict[str, Any]) -> Answer:
    """Take a refund, sent alone or in a batch."""
    reported = ReportedRefund(
        store_code=body["store_code"],
        refund_number=body["refund_number"],
        order_number=body["order_number"],
        refunded_at=body["refunded_at"],
        lines=tuple(RefundLine(**line) for line in body["lines"]),
    )
    return report_refund(session, desk=here, refund=reported)


def answered(answer: Answer) -> Response:
    """Send an answer as it is kept, with its status."""
    return make_response(jsonify(answer.body), answer.status)


def _lines(body: dict[str, Any]) -> tuple[Line, ...]:
    return tuple(Line(**line) for line in body["lines"])
