"""The proof of the roll-ups finds what differs, and names it."""

from datetime import date

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from loyalty.points.models import PointsAccount
from loyalty.reports.rollups import rolling, verification
from loyalty.reports.rollups.figures import FACTS
from loyalty.reports.rollups.models import DayToRecount, FactsOfDay, PointsOfDay
from loyalty.reports.rollups.verification import verify
from loyalty.stores.models import Store
from tests.factories.check_ins import SHANGHAI
from tests.factories.points import AT
from tests.factories.rollups import roll
from tests.reports.stage import DAY, TODAY, a_full_day


class TestVerification:
    @pytest.fixture(autouse=True)
    def rolled(self, session: Session, store: Store) -> None:
        a_full_day(session, store)
        roll(session, at=AT + 9 * DAY)
        assert verify(session, zone=SHANGHAI) == []

    @pytest.mark.parametrize(
        ("tamper", "told"),
        [
            (
                update(PointsOfDay).values(points_spent=PointsOfDay.points_spent + 1),
                "points_spent is 1, its rows come to 0",
            ),
            (delete(FactsOfDay), "new_members is 0, its rows come to"),
            (update(FactsOfDay).values(purchases_fen=1), "purchases_fen is 1, its rows come to"),
        ],
    )
    def test_names_the_first_figure_that_differs(self, session: Session, tamper: object, told: str) -> None:
        session.execute(tamper)  # type: ignore[call-overload]

        assert told in verify(session, zone=SHANGHAI)[0].reason

    def test_is_not_kept_from_a_difference_by_days_that_are_to_be_counted_again(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verification, "DISCREPANCIES_MAX", 1)
        for day in (TODAY - DAY, TODAY):
            values = dict.fromkeys(FACTS, 9)
            session.execute(delete(FactsOfDay).where(FactsOfDay.business_on == day))
            session.execute(insert(FactsOfDay).values(business_on=day, store_id=0, **values))
        session.execute(insert(DayToRecount).values(business_on=TODAY - DAY, noted_at=AT))

        (found,) = verify(session, zone=SHANGHAI)

        assert (found.table, found.row) == ("facts_by_day", f"{TODAY} store 0")

    def test_holds_all_days_against_all_accounts(self, session: Session) -> None:
        some = select(PointsAccount.member_id).limit(1).scalar_subquery()
        session.execute(
            update(PointsAccount).where(PointsAccount.member_id == some).values(balance=PointsAccount.balance + 1)
        )

        (found,) = verify(session, zone=SHANGHAI)

        assert (found.table, found.row) == ("points_by_day", "all days")

    def test_is_green_again_after_a_rebuild(self, session: Session) -> None:
        session.execute(update(PointsOfDay).values(points_issued=1))
        session.execute(insert(FactsOfDay).values(business_on=date(2020, 1, 1), store_id=0, **dict.fromkeys(FACTS, 1)))

        rolling.forget_everything(session)
        roll(session, at=AT + 9 * DAY)

        assert verify(session, zone=SHANGHAI) == []
