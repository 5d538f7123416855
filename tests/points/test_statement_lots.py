from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import InvalidCursor, Page
from loyalty.members.models import Member
from loyalty.points.rules.expiry import LotTerms
from loyalty.points.statement import (
    ExpiringSoon,
    LotState,
    LotView,
    expiring_soon,
    list_lots,
)
from tests.factories.expiry import SHANGHAI
from tests.factories.members import make_member
from tests.factories.points import earn, place, spend
from tests.factories.stores import make_store

DAY = timedelta(days=1)


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session)


def read_all(session: Session, member: Member, at: datetime, *, size: int) -> list[LotView]:
    """Read all pages of a member's lots."""
    seen: list[LotView] = []
    page: Page[LotView] | None = None
    while page is None or page.next_cursor:
        page = list_lots(session, member_id=member.id, at=at, cursor=page and page.next_cursor, limit=size)
        seen += page.items
    return seen


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

        seen = read_all(session, member, at, size=size)

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
        place(session, member.id, 45, expires_at=until)

        def shown(instant: datetime) -> list[tuple[LotState, int]]:
            lots = list_lots(session, member_id=member.id, at=instant).items
            return [(lot.state, lot.held) for lot in lots]

        assert shown(at) == [(LotState.HELD, 30), (LotState.AVAILABLE, 15)]
        assert shown(until) == [(LotState.AVAILABLE, 0), (LotState.AVAILABLE, 0)]
        assert expiring_soon(session, member_id=member.id, at=at).points == 25

    @pytest.mark.parametrize(("points", "state"), [(30, LotState.HELD), (20, LotState.EXPIRED)])
    def test_show_what_a_hold_still_binds_past_its_expiry(
        self, session: Session, member: Member, at: datetime, points: int, state: LotState
    ) -> None:
        bound = earn(session, member.id, 30, expires_at=at + DAY)
        place(session, member.id, points, expires_at=at + 3 * DAY)
        free = earn(session, member.id, 40, expires_at=at + 9 * DAY)

        late, later = (read_all(session, member, at + days * DAY, size=1) for days in (2, 3))

        assert [lot.entry_id for lot in late] == [bound.entry_id, free.entry_id]
        assert (late[0].state, late[0].remaining, late[0].held) == (state, 30, points)
        assert [lot.entry_id for lot in later] == [free.entry_id]

    def test_show_what_a_hold_still_binds_though_inactivity_ended_it(
        self, session: Session, member: Member, at: datetime
    ) -> None:
        earn(session, member.id, 30, terms=LotTerms(idle_days=1, idle_zone=SHANGHAI.key))
        place(session, member.id, 30, expires_at=at + 5 * DAY)

        (lot,) = list_lots(session, member_id=member.id, at=at + 4 * DAY).items

        assert (lot.state, lot.held) == (LotState.HELD, 30)

    def test_that_live_on_with_activity_show_when_they_would_end(
        self, session: Session, member: Member, at: datetime
    ) -> None:
        earn(session, member.id, 30, terms=LotTerms(idle_days=10, idle_zone=SHANGHAI.key))

        (lot,) = list_lots(session, member_id=member.id, at=at).items

        assert lot.idle_days == 10
        assert lot.expires_at == datetime(2026, 3, 20, 16, tzinfo=UTC)
        assert expiring_soon(session, member_id=member.id, at=at).points == 30

    @pytest.mark.parametrize("size", [1, 2, 9])
    def test_that_live_on_with_activity_stand_among_the_others_by_when_they_would_end(
        self, session: Session, member: Member, at: datetime, size: int
    ) -> None:
        forever = earn(session, member.id, 1)
        idle, dated_idle = (
            earn(session, member.id, 1, terms=LotTerms(expiry, days, SHANGHAI.key))
            for expiry, days in ((None, 10), (at + 2 * DAY, 30))
        )
        dated = {days: earn(session, member.id, 1, expires_at=at + days * DAY) for days in (20, 3)}

        seen = read_all(session, member, at, size=size)

        assert [lot.entry_id for lot in seen] == [
            one.entry_id for one in (dated_idle, dated[3], idle, dated[20], forever)
        ]

    def test_sum_up_what_lapses_soon(self, session: Session, member: Member, at: datetime) -> None:
        for days in (-1, 1, 30, 31):
            earn(session, member.id, 10 + days, at=at - 2 * DAY, expires_at=at + days * DAY)

        assert expiring_soon(session, member_id=member.id, at=at) == ExpiringSoon(days=30, points=51)
