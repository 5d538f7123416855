"""The books, as the schedule keeps them."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from jobs import periodic
from loyalty.container import Container
from loyalty.points.models import Hold
from tests.factories.members import make_member
from tests.factories.points import earn, place
from tests.jobs.test_periodic import the_run


def test_holds_that_ran_out_are_closed_and_others_stay(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    member_id = make_member(session).id
    earn(session, member_id, 100, at=at - timedelta(hours=1))
    for minutes in (-2, -1, 1):
        moment = at + timedelta(minutes=minutes)
        place(session, member_id, 10, at=at - timedelta(minutes=5), expires_at=moment)

    periodic.perform("release_expired_holds", "2026-03-10T10-00", "2026-03-10")

    assert the_run(session, "release_expired_holds").result == {"holds": 2}
    states = [hold.state for hold in session.query(Hold).filter_by(member_id=member_id).order_by(Hold.id)]
    assert states == ["expired", "expired", "placed"]
