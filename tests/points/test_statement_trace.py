from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.points.rules import EntryNotFound
from loyalty.points.statement import (
    LotState,
    trace_entry,
)
from tests.factories.members import make_member
from tests.factories.points import earn, reverse, spend
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session)


class TestTrace:
    def test_of_a_spend_tells_what_was_drawn_from_where(self, session: Session, member: Member, at: datetime) -> None:
        hangzhou, guangzhou = make_store(session, name="西湖店"), make_store(session, name="天河店")
        first = earn(session, member.id, 30, expires_at=at + 3 * DAY, store_id=hangzhou.id)
        second = earn(session, member.id, 40, expires_at=at + 9 * DAY, store_id=guangzhou.id)
        spent = spend(session, member.id, 50)

        trace = trace_entry(session, member_id=member.id, entry_id=spent.entry_id, at=at)

        assert [(one.points, one.lot.entry_id, one.lot.store_name) for one in trace.draws] == [
            (30, first.entry_id, "西湖店"),
            (20, second.entry_id, "天河店"),
        ]
        assert trace.draws[0].lot.state is LotState.USED_UP
        assert (trace.opened, trace.lots_count, trace.reversals) == ([], 2, [])

    def test_of_a_credit_tells_what_is_left_of_it(self, session: Session, member: Member, at: datetime) -> None:
        earned = earn(session, member.id, 30)
        spend(session, member.id, 20)

        trace = trace_entry(session, member_id=member.id, entry_id=earned.entry_id, at=at)

        assert [(lot.points, lot.remaining) for lot in trace.opened] == [(30, 10)]
        assert (trace.draws, trace.entry.points) == ([], 30)

    def test_links_reversals_both_ways(self, session: Session, member: Member, at: datetime) -> None:
        earn(session, member.id, 30)
        spent = spend(session, member.id, 20)
        halves = [reverse(session, member.id, spent.entry_id, points=10).entry_id for _ in range(2)]

        original = trace_entry(session, member_id=member.id, entry_id=spent.entry_id, at=at)
        undoing = trace_entry(session, member_id=member.id, entry_id=halves[0], at=at)

        assert [entry.id for entry in original.reversals] == halves
        assert undoing.reversed_entry is not None
        assert undoing.reversed_entry.id == spent.entry_id
        assert [one.points for one in undoing.draws] == [-10]

    def test_reaches_what_a_merged_member_had_and_nobody_elses(
        self, session: Session, member: Member, at: datetime
    ) -> None:
        merged = make_member(session, status=MemberStatus.MERGED, merged_into_id=member.id)
        old, stranger = earn(session, merged.id, 5), earn(session, make_member(session).id, 6)

        trace = trace_entry(session, member_id=member.id, entry_id=old.entry_id, at=at)

        assert (trace.owner_id, len(trace.opened)) == (merged.id, 1)
        with pytest.raises(EntryNotFound):
            trace_entry(session, member_id=member.id, entry_id=stranger.entry_id, at=at)

    def test_is_two_statements(
        self, session: Session, member: Member, at: datetime, statements: StatementCounter
    ) -> None:
        spent = [earn(session, member.id, 30), spend(session, member.id, 20)][1]
        statements.clear()

        trace_entry(session, member_id=member.id, entry_id=spent.entry_id, at=at)

        assert statements.count == 2
