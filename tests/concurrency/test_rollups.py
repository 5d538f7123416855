"""Roll-ups under fire: no transaction that commits late is missed, and nothing is added twice."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.points import service as points
from loyalty.reports.rollups import rolling
from loyalty.reports.rollups.board import figures_by_day
from loyalty.reports.rollups.models import PointsOfDay, RollupState
from loyalty.stores.rules import StoreScope
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_member
from tests.factories.points import AT, earn
from tests.factories.stores import make_store
from tests.support.races import at_once

Shop = tuple[int, list[int]]
"""A store, and its members."""


@pytest.fixture
def shop(committed_database: Database) -> Shop:
    """A store of the test's own with four members, everything before them rolled."""

    def make(session: Session) -> Shop:
        store = make_store(session)
        members = [make_member(session, enrolled_store_id=store.id) for _ in range(4)]
        for member in members:
            points.open_account(session, member_id=member.id, at=AT)
        return store.id, [member.id for member in members]

    made = run(committed_database, make)
    roll_until_settled(committed_database)
    return made


def roll(database: Database) -> int:
    return run(database, lambda session: rolling.roll_points(session, zone=SHANGHAI))


def roll_until_settled(database: Database) -> None:
    """Some minutes go by while nobody writes."""
    for _ in range(3):
        while roll(database):
            pass


def kept(database: Database, shop: Shop) -> int:
    """What the roll-up itself holds of a store."""
    query = select(PointsOfDay.points_issued).where(PointsOfDay.store_id == shop[0])
    return sum(run(database, lambda session: session.scalars(query).all()))


def shown(database: Database, shop: Shop, at: datetime = AT) -> int:
    """What the board shows of the day."""
    day, scope = business_date(at, SHANGHAI), StoreScope(is_chain_wide=False, store_ids=frozenset({shop[0]}))

    def read(session: Session) -> int:
        return figures_by_day(session, scope=scope, first=day, last=day, zone=SHANGHAI)[day].points_issued

    return run(database, read)


def watermark(database: Database) -> int:
    return run(database, lambda session: session.scalars(select(RollupState.rolled_until_id)).one())


class TestLateCommit:
    def test_of_an_id_drawn_before_others_that_were_rolled_is_not_missed(
        self, committed_database: Database, shop: Shop
    ) -> None:
        """One draws an id and waits; a second draws the next one and commits; jobs run; then the first commits."""
        slow, fast = shop[1][:2]
        with committed_database.session() as late:
            earned_late = earn(late, slow, 5).entry_id
            earned = run(committed_database, lambda session: earn(session, fast, 7)).entry_id
            assert earned_late < earned
            for _ in range(3):
                roll(committed_database)
                assert watermark(committed_database) < earned_late
                assert shown(committed_database, shop) == 7
            late.commit()

        assert shown(committed_database, shop) == 12
        roll_until_settled(committed_database)
        assert watermark(committed_database) >= earned
        assert (kept(committed_database, shop), shown(committed_database, shop)) == (12, 12)

    def test_is_waited_for_only_by_what_was_drawn_before_it_ended(
        self, committed_database: Database, shop: Shop
    ) -> None:
        """A gap left by one who rolled back holds nothing up, and who came after the look is not waited for."""
        first, second, third = shop[1][:3]
        with committed_database.session() as failing:
            earn(failing, first, 5)
            run(committed_database, lambda session: earn(session, second, 7))
            roll(committed_database)
            failing.rollback()
        with committed_database.session() as later:
            earn(later, third, 11)
            roll(committed_database)
            assert (kept(committed_database, shop), shown(committed_database, shop)) == (7, 7)
            later.commit()

        roll_until_settled(committed_database)
        assert kept(committed_database, shop) == 18

    def test_of_one_that_has_the_lock_but_no_id_yet_is_not_missed(
        self, committed_database: Database, shop: Shop
    ) -> None:
        """It draws its id after the look, so that the id is behind what was looked at."""
        with committed_database.session() as late:
            late.execute(text("LOCK TABLE ledger_entries IN ROW EXCLUSIVE MODE"))
            roll(committed_database)
            earn(late, shop[1][0], 5)
            run(committed_database, lambda session: earn(session, shop[1][1], 7))
            roll(committed_database)
            late.commit()

        roll_until_settled(committed_database)
        assert kept(committed_database, shop) == 12


class TestManyAtOnce:
    def test_writers_and_rollers_leave_every_point_in_its_day_once(
        self, committed_database: Database, shop: Shop
    ) -> None:
        def write(member_id: int) -> Callable[[], int]:
            def earns() -> int:
                for each in range(1, 16):
                    run(committed_database, lambda session, each=each: earn(session, member_id, each))  # type: ignore[misc]
                return 0

            return earns

        def keep_rolling() -> int:
            for _ in range(25):
                roll(committed_database)
                assert kept(committed_database, shop) <= 4 * 120
            return 0

        at_once([*(write(member_id) for member_id in shop[1]), keep_rolling, keep_rolling])

        assert shown(committed_database, shop) == 4 * 120
        roll_until_settled(committed_database)
        assert (kept(committed_database, shop), shown(committed_database, shop)) == (4 * 120, 4 * 120)

    def test_readers_beside_a_roller_never_see_an_entry_twice_or_not_at_all(
        self, committed_database: Database, shop: Shop
    ) -> None:
        for member_id in shop[1]:
            run(committed_database, lambda session, one=member_id: earn(session, one, 10))  # type: ignore[misc]

        def rebuild() -> list[int]:
            for _ in range(5):
                run(committed_database, rolling.forget_everything)
                roll_until_settled(committed_database)
            return [40]

        def read() -> list[int]:
            return [shown(committed_database, shop) for _ in range(25)]

        results = at_once([rebuild, read, read])

        assert {figure for figures in results for figure in figures} == {40}  # type: ignore[union-attr]


class TestCrash:
    def test_in_the_middle_of_a_page_leaves_nothing_and_the_next_run_adds_it_once(
        self, committed_database: Database, shop: Shop
    ) -> None:
        run(committed_database, lambda session: earn(session, shop[1][0], 9))
        with committed_database.session() as dying:
            rolling.roll_points(dying, zone=SHANGHAI)
            dying.flush()
            pid = dying.scalar(text("SELECT pg_backend_pid()"))
            run(committed_database, lambda session: session.execute(text(f"SELECT pg_terminate_backend({pid})")))
            dying.invalidate()

        assert kept(committed_database, shop) == 0
        assert shown(committed_database, shop) == 9
        roll_until_settled(committed_database)
        assert kept(committed_database, shop) == 9
