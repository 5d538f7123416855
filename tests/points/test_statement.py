from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import InvalidCursor
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.points.rules import EntryKind
from loyalty.points.statement import (
    Period,
    list_entries,
    month_period,
)
from tests.factories.members import make_member
from tests.factories.points import earn, reverse, spend
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session)


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

        assert _all(session, member, None) == posted[::-1]

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


class TestFilters:
    def test_by_kind_keep_only_those_kinds(self, session: Session, member: Member) -> None:
        earned = earn(session, member.id, 50)
        spent = spend(session, member.id, 20)
        undone = reverse(session, member.id, spent.entry_id)

        def ids(*kinds: EntryKind) -> list[int]:
            return [entry.id for entry in list_entries(session, member_id=member.id, kinds=kinds).items]

        assert ids(EntryKind.EARN) == [earned.entry_id]
        assert ids(EntryKind.SPEND, EntryKind.REVERSE) == [undone.entry_id, spent.entry_id]
        assert ids(EntryKind.EXPIRE) == []

    def test_by_month_keep_what_was_booked_in_it_to_the_second(
        self, session: Session, member: Member, zone: ZoneInfo
    ) -> None:
        march = month_period(date(2026, 3, 10), zone)
        instants = [
            march.since - timedelta(seconds=1),
            march.since,
            march.since + 9 * DAY,
            march.until - timedelta(seconds=1),
            march.until,
        ]
        posted = [earn(session, member.id, 1 + number, at=instant).entry_id for number, instant in enumerate(instants)]

        page = list_entries(session, member_id=member.id, period=march)

        assert [entry.id for entry in page.items] == posted[3:0:-1]

    @pytest.mark.parametrize("days", [(0, 3), (5, 9), (11, 12), (40, 50), (-9, -2), (-9, 90)])
    def test_by_period_find_the_same_as_reading_everything(
        self, session: Session, member: Member, at: datetime, days: tuple[int, int]
    ) -> None:
        booked = {
            earn(session, member.id, 1, at=at + number * DAY / 3).entry_id: at + number * DAY / 3
            for number in range(60)
            if number % 7
        }
        period = Period(at + days[0] * DAY, at + days[1] * DAY)

        found = _all(session, member, period)

        expected = [entry_id for entry_id, instant in booked.items() if period.since <= instant < period.until]
        assert found == expected[::-1]

    def test_by_month_show_what_was_reported_late_where_it_was_booked(
        self, session: Session, member: Member, zone: ZoneInfo
    ) -> None:
        april = month_period(date(2026, 4, 1), zone)
        late = earn(session, member.id, 5, at=april.since + DAY, occurred_at=april.since - DAY)

        (entry,) = list_entries(session, member_id=member.id, period=april).items

        assert entry.id == late.entry_id
        assert (entry.occurred_at, entry.recorded_at) == (april.since - DAY, april.since + DAY)

    def test_by_month_include_members_merged_into_this_one(
        self, session: Session, member: Member, at: datetime, zone: ZoneInfo
    ) -> None:
        merged = make_member(session, status=MemberStatus.MERGED, merged_into_id=member.id)
        old = earn(session, merged.id, 5, at=at)
        earn(session, member.id, 6, at=at + 40 * DAY)

        page = list_entries(session, member_id=member.id, period=month_period(at.date(), zone))

        assert [entry.id for entry in page.items] == [old.entry_id]

    def test_are_one_statement(
        self, session: Session, member: Member, zone: ZoneInfo, statements: StatementCounter
    ) -> None:
        earn(session, member.id, 50)
        statements.clear()

        list_entries(session, member_id=member.id, kinds=[EntryKind.EARN], period=month_period(date(2026, 3, 1), zone))

        assert statements.count == 1


def _all(session: Session, member: Member, period: Period | None) -> list[int]:
    seen: list[int] = []
    cursor = None
    while True:
        page = list_entries(session, member_id=member.id, period=period, cursor=cursor, limit=3)
        seen += [entry.id for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen
