"""Custom events as a key reports them: taken at once, paid by the rules a moment later through the outbox."""

from dataclasses import asdict

from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.idempotency import Answer, request_hash
from loyalty.partners.rules.events import ReportedEvent, check_event
from loyalty.partners.rules.keys import own_reference
from loyalty.partners.rules.references import MemberName
from loyalty.partners.service.answers import Report, answer_once
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.locating import Located

EVENT_REPORTED = "partner.event_reported"


def report_event(session: Session, *, desk: Desk, name: MemberName, event: ReportedEvent) -> Answer:
    """Take an event of a member (自定义事件上报), once by its number.

    Raises:
        InvalidPartnerEvent: the kind or the time makes no sense.
        StoreNotFound, MemberRefNotFound, MemberNotFound: not of this key, or not known to it.
        IdempotencyKeyReused: the number came before with other content or for another member.
    """
    check_event(event, at=desk.at)
    report = Report(f"{desk.caller.source}:events", event.event_id, request_hash(asdict(event)), event.store_code, name)

    def take(located: Located) -> Answer:
        payload = {
            "member_id": located.require_member().member_id,
            "store_id": located.require_store(),
            "kind": event.kind,
            "reference": own_reference(desk.caller, event.event_id),
            "occurred_at": event.occurred_at.isoformat(),
        }
        outbox.record(session, EVENT_REPORTED, payload, at=desk.at)
        return Answer(202, {"event_id": event.event_id})

    return answer_once(session, desk=desk, report=report, work=take)
