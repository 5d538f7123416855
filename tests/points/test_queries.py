from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.kernel.clock import end_of
from loyalty.points.queries import PointsSummary, summary
from loyalty.points.rules.expiry import LotTerms
from tests.factories.expiry import SHANGHAI
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


class TestSummary:
    def test_tells_what_can_be_spent_and_what_dies_first(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        earn(session, member.id, 40, expires_at=at + 3 * DAY)
        earn(session, member.id, 5, expires_at=at + 3 * DAY)
        earn(session, member.id, 30, expires_at=at + 9 * DAY)
        earn(session, member.id, 20, available_at=at + DAY)
        earn(session, member.id, 10, at=at - 2 * DAY, expires_at=at)

        assert summary(session, member_id=member.id, at=at) == PointsSummary(
            balance=155,
            available=125,
            pending=20,
            held=0,
            debt=0,
            soonest_expires_at=at + 3 * DAY,
            soonest_expiring_points=45,
        )

    def test_without_an_account_is_all_zero(self, session: Session, at: datetime) -> None:
        assert summary(session, member_id=make_member(session).id, at=at) == PointsSummary()

    def test_without_anything_that_expires_names_no_date(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50)

        found = summary(session, member_id=member.id, at=at)

        assert (found.soonest_expires_at, found.soonest_expiring_points) == (None, 0)

    def test_names_what_inactivity_would_end_first_together_with_what_ends_that_day(
        self, session: Session, at: datetime
    ) -> None:
        member = make_member(session)
        tenth_night = end_of(date(2026, 3, 20), SHANGHAI)
        idle = LotTerms(idle_days=10, idle_zone=SHANGHAI.key)
        earn(session, member.id, 30, terms=idle)
        earn(session, member.id, 20, terms=idle)
        earn(session, member.id, 5, expires_at=tenth_night)
        earn(session, member.id, 40, expires_at=tenth_night + DAY)

        now, later = (summary(session, member_id=member.id, at=when) for when in (at, tenth_night))

        assert (now.soonest_expires_at, now.soonest_expiring_points) == (tenth_night, 55)
        assert (later.soonest_expires_at, later.soonest_expiring_points) == (tenth_night + DAY, 40)

    def test_is_one_statement(self, session: Session, at: datetime, statements: StatementCounter) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        statements.clear()

        summary(session, member_id=member.id, at=at)

        assert statements.count == 1
