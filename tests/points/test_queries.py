from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import InvalidCursor
from loyalty.members.rules.members import MemberStatus
from loyalty.points.queries import PointsSummary, list_entries, summary
from tests.factories.members import make_member
from tests.factories.points import earn, spend
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


class TestListEntries:
    def test_is_newest_first_and_says_why(self, session: Session) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 50)
        spent = spend(session, member.id, 20)

        page = list_entries(session, member_id=member.id)

        assert [entry.id for entry in page.items] == [spent.entry_id, earned.entry_id]
        assert [entry.reason for entry in page.items] == ["使用20积分", "消费获得50积分"]
        assert [entry.balance_after for entry in page.items] == [30, 50]
        assert page.next_cursor is None

    def test_goes_on_by_cursor_without_gaps_or_repeats(self, session: Session) -> None:
        member = make_member(session)
        posted = [earn(session, member.id, points).entry_id for points in range(1, 8)]
        seen: list[int] = []
        cursor = None

        while True:
            page = list_entries(session, member_id=member.id, cursor=cursor, limit=3)
            seen += [entry.id for entry in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break

        assert seen == posted[::-1]

    def test_shows_what_members_merged_into_this_one_had(self, session: Session) -> None:
        survivor = make_member(session)
        merged = make_member(session, status=MemberStatus.MERGED, merged_into_id=survivor.id)
        old = earn(session, merged.id, 50)
        new = earn(session, survivor.id, 60)
        stranger = make_member(session)
        earn(session, stranger.id, 70)

        page = list_entries(session, member_id=survivor.id)

        assert [entry.id for entry in page.items] == [new.entry_id, old.entry_id]

    def test_is_one_statement(self, session: Session, statements: StatementCounter) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        statements.clear()

        list_entries(session, member_id=member.id)

        assert statements.count == 1

    def test_refuses_a_cursor_that_is_not_ours(self, session: Session) -> None:
        with pytest.raises(InvalidCursor):
            list_entries(session, member_id=1, cursor="!!")

    @pytest.mark.parametrize(("asked", "given"), [(0, 1), (1000, 100)])
    def test_keeps_pages_within_bounds(self, session: Session, asked: int, given: int) -> None:
        member = make_member(session)
        for _ in range(101):
            earn(session, member.id, 1)

        assert len(list_entries(session, member_id=member.id, limit=asked).items) == given
