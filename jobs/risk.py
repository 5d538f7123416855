"""What risk hears of: visitors who turn out to be members, phones, and traces whose time is over."""

from datetime import datetime

from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.risk import service as risk


def recognise(session: Session, _container: Container, payload: Json, _at: datetime) -> None:
    """Let what a visitor did count as the member's who they turned out to be."""
    risk.recognise(session, identity_id=payload["identity_id"], member_id=payload["member_id"])


def note_phone(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Remember the phone that a member has from now on."""
    risk.note_phone(session, member_id=payload["member_id"], at=at)


def forget_sightings(periodic: PeriodicRun) -> Json:
    """Forget where people were seen 90 days ago."""
    clock = periodic.container.clock
    return {"traces": periodic.in_pages(lambda session: risk.forget_old_sightings(session, at=clock.now()))}
