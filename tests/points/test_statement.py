from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import InvalidCursor, Page
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.points.rules import EntryKind, EntryNotFound
from loyalty.points.rules.expiry import LotTerms
from loyalty.points.service import earn as earn_by
from loyalty.points.service import place
from loyalty.points.statement import (
    ExpiringSoon,
    LotState,
    LotView,
    Period,
    expiring_soon,
    list_entries,
    list_lots,
    month_period,
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


class TestLots:
    def test_come_soonest_expiry_first_and_tell_where_they_came_from(
        self, session: Session, member: Member, at: datetime
    ) -> None:
        store = make_store(session, name="西湖店")
        forever = earn(session, member.id, 50)
        later = earn(session, member.id, 40, expires_at=at + 9 * DAY)
        sooner = earn(session, member.id, 30, expires_at=at + 3 * DAY, store_id=store.id)
        pending = earn(session, member.id, 20, available_at=at + DAY, expires_at=at + 5 * DAY)
        earn(session, member.id, 10, at=at - 2 * DAY, expires_at=at)
        spend(session, member.id, 5)

        lots = list_lots(session, member_id=member.id, at=at).items

        assert [lot.entry_id for lot in lots] == [one.entry_id for one in (sooner, pending, later, forever)]
        assert [lot.state for lot in lots] == [LotState.AVAILABLE, LotState.PENDING, *[LotState.AVAILABLE] * 2]
        assert (lots[0].remaining, lots[0].points) == (25, 30)
        assert (lots[0].store_name, lots[0].reason) == ("西湖店", "消费获得30积分")

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
    def test_go_on_by_cursor_without_gaps_or_repeats(
        self, session: Session, member: Member, at: datetime, size: int
    ) -> None:
        expiries = [at + DAY, at + DAY, None, at + 2 * DAY, None, at + DAY, None]
        opened = [earn(session, member.id, 1, expires_at=expiry).entry_id for expiry in expiries]

        seen: list[LotView] = []
        page: Page[LotView] | None = None
        while page is None or page.next_cursor:
            page = list_lots(session, member_id=member.id, at=at, cursor=page and page.next_cursor, limit=size)
            seen += page.items

        assert [lot.entry_id for lot in seen] == [opened[number] for number in (0, 1, 5, 3, 2, 4, 6)]

    def test_refuse_a_cursor_of_another_members_lots(self, session: Session, member: Member, at: datetime) -> None:
        for _ in range(2):
            earn(session, member.id, 1)
        cursor = list_lots(session, member_id=member.id, at=at, limit=1).next_cursor

        with pytest.raises(InvalidCursor):
            list_lots(session, member_id=make_member(session).id, at=at, cursor=cursor)

    def test_show_what_a_hold_binds_until_it_runs_out(self, session: Session, member: Member, at: datetime) -> None:
        earn(session, member.id, 30, expires_at=at + DAY)
        earn(session, member.id, 40, expires_at=at + 2 * DAY)
        until = at + timedelta(minutes=30)
        place(session, member_id=member.id, points=45, reference="checkout:1", expires_at=until, at=at)

        def shown(instant: datetime) -> list[tuple[LotState, int]]:
            lots = list_lots(session, member_id=member.id, at=instant).items
            return [(lot.state, lot.held) for lot in lots]

        assert shown(at) == [(LotState.HELD, 30), (LotState.AVAILABLE, 15)]
        assert shown(until) == [(LotState.AVAILABLE, 0), (LotState.AVAILABLE, 0)]
        assert expiring_soon(session, member_id=member.id, at=at).points == 25

    def test_that_live_on_with_activity_show_when_they_would_end(
        self, session: Session, member: Member, at: datetime, zone: ZoneInfo
    ) -> None:
        earn_by(
            session,
            member_id=member.id,
            points=30,
            reference="order:771",
            explanation={"rule": "purchase"},
            occurred_at=at,
            at=at,
            terms=LotTerms(idle_days=10, idle_zone=zone.key),
        )

        (lot,) = list_lots(session, member_id=member.id, at=at).items

        assert lot.idle_days == 10
        assert lot.expires_at == datetime(2026, 3, 20, 16, tzinfo=UTC)
        assert expiring_soon(session, member_id=member.id, at=at).points == 30

    def test_sum_up_what_lapses_soon(self, session: Session, member: Member, at: datetime) -> None:
        for days in (-1, 1, 30, 31):
            earn(session, member.id, 10 + days, at=at - 2 * DAY, expires_at=at + days * DAY)

        assert expiring_soon(session, member_id=member.id, at=at) == ExpiringSoon(days=30, points=51)


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


def _all(session: Session, member: Member, period: Period) -> list[int]:
    seen: list[int] = []
    cursor = None
    while True:
        page = list_entries(session, member_id=member.id, period=period, cursor=cursor, limit=7)
        seen += [entry.id for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen
