from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.check_ins import service
from loyalty.check_ins.models import CheckInPlan
from loyalty.check_ins.rules import DEFAULT_PLAN, InvalidPlan, Plan, PlanStartsInPast
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor

ACTOR = Actor("staff:1", "10.0.0.1", "r1")


class TestSavePlan:
    def test_writes_a_revision_and_who_made_it(self, session: Session, zone: ZoneInfo, at: datetime) -> None:
        revision = service.save_plan(
            session, plan=DEFAULT_PLAN, live_from_on=date(2026, 3, 10), actor=ACTOR, zone=zone, at=at
        )

        written = session.get_one(CheckInPlan, revision)
        entry = audit.list_entries(session, subject=f"check_in_plan:{revision}")[0]
        assert (written.created_by, written.live_from_on) == ("staff:1", date(2026, 3, 10))
        assert (entry.action, entry.after["points_by_day"]) == ("check_ins.save_plan", [5, 5, 5, 10, 10, 10, 10])

    def test_refuses_a_plan_that_could_not_be_paid_and_writes_nothing(
        self, session: Session, zone: ZoneInfo, at: datetime
    ) -> None:
        with pytest.raises(InvalidPlan):
            service.save_plan(session, plan=Plan(()), live_from_on=date(2026, 3, 10), actor=ACTOR, zone=zone, at=at)

        assert session.scalars(select(func.count()).select_from(CheckInPlan)).one() == 0

    def test_refuses_to_change_days_already_gone(self, session: Session, zone: ZoneInfo) -> None:
        just_after_midnight = datetime(2026, 3, 10, 0, 0, tzinfo=zone)

        with pytest.raises(PlanStartsInPast):
            service.save_plan(
                session,
                plan=DEFAULT_PLAN,
                live_from_on=date(2026, 3, 9),
                actor=ACTOR,
                zone=zone,
                at=just_after_midnight,
            )
