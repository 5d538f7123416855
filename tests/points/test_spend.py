from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.points import service
from loyalty.points.models import Draw, LedgerEntry
from loyalty.points.rules import InsufficientPoints, InvalidPoints
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, draws_of, earn, events_of, lots_of, spend
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


class TestSpend:
    def test_draws_the_soonest_expiring_lots_first(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        for_ever = earn(session, member.id, 50)
        late = earn(session, member.id, 50, expires_at=at + 9 * DAY)
        soon = earn(session, member.id, 50, expires_at=at + 2 * DAY)

        posting = spend(session, member.id, 80)

        assert lots_of(session, member.id) == [50, 20, 0]
        assert draws_of(session, member.id, posting.entry_id) == [30, 50]
        assert (posting.points, posting.balance_after) == (-80, 70)
        assert for_ever.entry_id < late.entry_id < soon.entry_id
        assert_books_fit(session, member.id)

    def test_remembers_the_store_that_took_the_points(self, session: Session) -> None:
        member = make_member(session)
        issuing, taking = make_store(session), make_store(session)
        earn(session, member.id, 50, store_id=issuing.id)

        posting = spend(session, member.id, 20, store_id=taking.id)

        draw = session.scalars(select(Draw).where(Draw.member_id == member.id)).one()
        entry = session.get_one(LedgerEntry, (member.id, posting.entry_id))
        assert (draw.store_id, entry.store_id) == (taking.id, taking.id)

    def test_leaves_an_expired_lot_alone_though_no_job_has_run(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50, expires_at=at + DAY)
        earn(session, member.id, 10)

        spend(session, member.id, 10, at=at + DAY)

        assert lots_of(session, member.id) == [50, 0]
        with pytest.raises(InsufficientPoints) as refusal:
            spend(session, member.id, 1, at=at + DAY)
        assert refusal.value.details == {"points": 1, "available": 0}

    def test_can_use_a_lot_until_the_instant_it_expires(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50, expires_at=at + DAY)

        posting = spend(session, member.id, 50, at=at + DAY - MICROSECOND)

        assert posting.balance_after == 0

    def test_leaves_a_pending_lot_alone_until_it_is_available(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50, available_at=at + DAY)

        with pytest.raises(InsufficientPoints):
            spend(session, member.id, 50, at=at + DAY - MICROSECOND)
        posting = spend(session, member.id, 50, at=at + DAY)

        assert posting.balance_after == 0

    def test_of_more_than_there_is_takes_nothing(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 50)

        with pytest.raises(InsufficientPoints):
            spend(session, member.id, 51)

        assert lots_of(session, member.id) == [50]
        assert len(events_of(session, member.id)) == 1
        assert_books_fit(session, member.id)

    def test_without_an_account_finds_nothing_to_take(self, session: Session) -> None:
        with pytest.raises(InsufficientPoints):
            spend(session, make_member(session).id, 1)

    def test_of_a_known_reference_answers_as_the_first_time_and_takes_nothing(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        first = spend(session, member.id, 50, reference="exchange:1")

        again = spend(session, member.id, 50, reference="exchange:1")

        assert again.is_replay
        assert (again.entry_id, again.points, again.balance_after) == (first.entry_id, -50, 0)
        assert_books_fit(session, member.id)

    @pytest.mark.parametrize("points", [0, -3])
    def test_refuses_points_nobody_can_have_meant(self, session: Session, points: int) -> None:
        member = make_member(session)
        earn(session, member.id, 50)

        with pytest.raises(InvalidPoints):
            spend(session, member.id, points)

    def test_tells_other_modules(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 50)

        spend(session, member.id, 20, reference="exchange:X")

        kind, payload = events_of(session, member.id)[1]
        assert kind == "points.spent"
        assert (payload["points"], payload["balance_after"], payload["source"]) == (-20, 30, "exchange")

    def test_over_many_lots_is_three_statements(self, session: Session, statements: StatementCounter) -> None:
        member = make_member(session)
        for _ in range(5):
            earn(session, member.id, 10)
        statements.clear()

        spend(session, member.id, 45)

        assert statements.count == 3


class TestAdjust:
    def test_adds_points_by_hand(self, session: Session, at: datetime) -> None:
        member = make_member(session)

        posting = service.adjust(
            session,
            member_id=member.id,
            points=15,
            reference="adjustment:1",
            explanation={"rule": "adjustment", "reason": "correction"},
            at=at,
            actor="staff:3",
            expires_at=at + DAY,
        )

        assert (posting.points, posting.balance_after) == (15, 15)
        assert events_of(session, member.id)[0][0] == "points.adjusted"
        assert_books_fit(session, member.id)

    def test_takes_points_by_hand_from_the_lots_that_expire_first(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        earn(session, member.id, 50, expires_at=at + DAY)

        posting = service.adjust(
            session, member_id=member.id, points=-60, reference="adjustment:2", explanation={}, at=at, actor="staff:3"
        )

        assert (posting.points, balance_of(session, member.id)) == (-60, 40)
        assert lots_of(session, member.id) == [40, 0]
        assert_books_fit(session, member.id)

    @pytest.mark.parametrize("points", [7, -7])
    def test_of_a_known_reference_answers_as_the_first_time(self, session: Session, at: datetime, points: int) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        values = {"member_id": member.id, "points": points, "reference": "adjustment:3", "explanation": {}}

        first, again = (service.adjust(session, **values, at=at, actor="staff:3") for _ in range(2))

        assert (first.is_replay, again.is_replay) == (False, True)
        assert balance_of(session, member.id) == 50 + points

    def test_by_nothing_is_refused(self, session: Session, at: datetime) -> None:
        with pytest.raises(InvalidPoints):
            service.adjust(
                session,
                member_id=make_member(session).id,
                points=0,
                reference="adjustment:4",
                explanation={},
                at=at,
                actor="staff:3",
            )
