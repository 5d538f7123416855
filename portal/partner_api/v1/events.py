"""Custom events: a review, or whatever else the operator's rules pay for."""

from typing import Any

from flask import Response

from loyalty.kernel.database import Session
from loyalty.kernel.idempotency import Answer
from loyalty.kernel.transaction import run
from loyalty.partners.rules.events import ReportedEvent
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.events import report_event
from portal.context import container
from portal.partner_api.desk import desk, member_name
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.purchases import answered
from portal.partner_api.v1.schemas import events as schemas

blueprint = subject("events", __name__, description="Report custom events.")


@blueprint.post("/events")
@blueprint.arguments(schemas.EventRequest)
@blueprint.response(202, schemas.Event)
def event(body: dict[str, Any]) -> Response:
    """Report an event of a member; rules pay for it a moment later."""
    here = desk()
    return answered(run(container().database, lambda session: take_event(session, here, body)))


def take_event(session: Session, here: Desk, body: dict[str, Any]) -> Answer:
    """Take an event, sent alone or in a batch."""
    reported = ReportedEvent(body["store_code"], body["event_id"], body["kind"], body["occurred_at"])
    return report_event(session, desk=here, name=member_name(body), event=reported)
