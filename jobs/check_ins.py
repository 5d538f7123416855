"""What follows from check-ins and days made up: streaks that two of them left apart are reckoned from the rows."""

from datetime import date, datetime

from loyalty.check_ins import making_up
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.members import queries as members


def mend_streaks(session: Session, _container: Container, payload: Json, _at: datetime) -> None:
    """Reckon the streaks from a day on anew: a check-in and a make-up at the same moment did not see each other."""
    member = members.lock_bearer(session, member_id=payload["member_id"])
    if member is not None:
        making_up.mend_streaks(session, member_id=member.id, on=date.fromisoformat(payload["checked_in_on"]))
