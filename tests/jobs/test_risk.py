"""What the nightly job forgets."""

from sqlalchemy.orm import Session

from jobs.risk import forget_sightings
from tests.factories.referrals import (
    enrol,
    make_visitor,
)
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import perform


def test_traces_are_forgotten_by_the_nightly_job(
    jobs_container: NullContainer, session: Session, clock: StandingClock
) -> None:
    enrol(session, make_visitor(session), device="d", ip="10.0.0.1")
    clock.advance(days=91)

    done = perform(jobs_container, forget_sightings)

    assert done == {"traces": 1}
