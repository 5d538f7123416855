"""Points of a check-in live to the end of a business date in Shanghai, whatever the calendar does in between."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.check_ins import service
from loyalty.check_ins.rules import Plan
from loyalty.kernel.database import Database
from loyalty.points import queries
from loyalty.points.models import Lot
from loyalty.points.rules import InsufficientPoints
from tests.factories.check_ins import make_plan
from tests.factories.members import make_member
from tests.factories.points import spend

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("tapped_at", "valid_days", "first_day_without"),
    [
        (datetime(2026, 3, 10, 0, 0, tzinfo=SHANGHAI), 0, date(2026, 3, 11)),
        (datetime(2026, 3, 10, 23, 59, 59, 999999, tzinfo=SHANGHAI), 0, date(2026, 3, 11)),
        (datetime(2026, 3, 10, 23, 59, 59, 999999, tzinfo=SHANGHAI), 1, date(2026, 3, 12)),
        (datetime(2026, 1, 31, 12, 0, tzinfo=SHANGHAI), 28, date(2026, 3, 1)),
        (datetime(2028, 1, 31, 12, 0, tzinfo=SHANGHAI), 28, date(2028, 2, 29)),
        (datetime(2028, 2, 29, 12, 0, tzinfo=SHANGHAI), 366, date(2029, 3, 2)),
        (datetime(2026, 12, 31, 23, 30, tzinfo=SHANGHAI), 365, date(2028, 1, 1)),
    ],
    ids=["midnight", "last instant", "a day more", "february", "leap february", "leap day", "new year"],
)
def test_points_expire_at_the_end_of_their_last_day(
    database: Database, session: Session, tapped_at: datetime, valid_days: int, first_day_without: date
) -> None:
    make_plan(session, Plan(points_by_day=(5,), valid_days=valid_days))
    member = make_member(session)
    session.commit()

    service.check_in(database, member_id=member.id, zone=SHANGHAI, at=tapped_at.astimezone(UTC))

    expires_at = session.scalars(select(Lot.expires_at).where(Lot.member_id == member.id)).one()
    assert expires_at == datetime(*first_day_without.timetuple()[:3], tzinfo=SHANGHAI)


def test_points_are_spendable_to_the_last_instant_and_not_at_midnight(database: Database, session: Session) -> None:
    make_plan(session, Plan(points_by_day=(5,), valid_days=0))
    member = make_member(session)
    session.commit()
    midnight = datetime(2026, 3, 11, tzinfo=SHANGHAI)
    service.check_in(database, member_id=member.id, zone=SHANGHAI, at=midnight - timedelta(hours=1))

    spend(session, member.id, 2, at=midnight - timedelta(microseconds=1))

    with pytest.raises(InsufficientPoints):
        spend(session, member.id, 1, at=midnight)
    summary = queries.summary(session, member_id=member.id, at=midnight)
    assert (summary.balance, summary.available) == (3, 0)
