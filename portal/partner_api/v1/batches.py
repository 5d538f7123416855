"""Batches: what a till collected while it was offline, each part with a result of its own."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from loyalty.kernel.database import Session
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.idempotency import Answer
from loyalty.kernel.transaction import run
from loyalty.partners.service.desk import Desk
from portal.context import container
from portal.errors import status_of
from portal.partner_api.desk import desk
from portal.partner_api.errors import HTTP_ERRORS
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.events import take_event
from portal.partner_api.v1.purchases import take_purchase, take_refund
from portal.partner_api.v1.schemas.events import Batch, BatchRequest, EventRequest
from portal.partner_api.v1.schemas.purchases import PurchaseRequest, RefundRequest

blueprint = subject("batches", __name__, description="Report many things at once.")

_Take = Callable[[Session, Desk, dict[str, Any]], Answer]
KINDS: Mapping[str, tuple[Schema, _Take]] = {
    "purchase": (PurchaseRequest(), take_purchase),
    "refund": (RefundRequest(), take_refund),
    "event": (EventRequest(), take_event),
}
INVALID_STATUS = 422


@blueprint.post("/batches")
@blueprint.arguments(BatchRequest)
@blueprint.response(200, Batch)
def batch(body: dict[str, Any]) -> dict[str, Any]:
    """Report up to 1,000 purchases, refunds and events, each in a transaction of its own, in their order."""
    here = desk()
    results = [_result(here, event) for event in body["events"]]
    succeeded = sum(result["error"] is None for result in results)
    return {"results": results, "succeeded": succeeded, "failed": len(results) - succeeded}


def _result(here: Desk, event: dict[str, Any]) -> dict[str, Any]:
    """Take one part; one that is refused leaves nothing behind and does not hurt the others."""
    schema, take = KINDS.get(str(event.get("type")), (None, None))
    if schema is None or take is None:
        return _invalid({"type": ["须为 purchase、refund 或 event"]})
    try:
        body = schema.load({name: value for name, value in event.items() if name != "type"})
        answer = run(container().database, lambda session: take(session, here, body))
    except ValidationError as error:
        return _invalid(error.messages)
    except LoyaltyError as error:
        return _refused(status_of(error), error.code, error.message, dict(error.details))
    return {"status": answer.status, "body": answer.body, "error": None}


def _invalid(fields: Any) -> dict[str, Any]:
    code, message = HTTP_ERRORS[INVALID_STATUS]
    return _refused(INVALID_STATUS, code, message, {"fields": {"json": fields}})


def _refused(status: int, code: str, message: str, details: dict[str, object]) -> dict[str, Any]:
    return {"status": status, "body": None, "error": {"code": code, "message": message, "details": details}}
