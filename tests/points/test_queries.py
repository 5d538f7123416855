from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.points.queries import PointsSummary, summary
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

    def test_is_one_statement(self, session: Session, at: datetime, statements: StatementCounter) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        statements.clear()

        summary(session, member_id=member.id, at=at)

        assert statements.count == 1
