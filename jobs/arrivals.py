"""Enrolments are counted for the QR code by which the member came."""

from datetime import datetime

from loyalty.arrivals import service
from loyalty.container import Container
from loyalty.kernel.database import Json, Session


def attribute_enrolment(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count an enrolment for the code scanned before it; one more identity may tell of an earlier scan."""
    service.attribute_enrolment(session, member_id=payload["member_id"])
