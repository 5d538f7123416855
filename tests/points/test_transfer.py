from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.points.models import Lot
from loyalty.points.service import transfer
from loyalty.points.statement import list_entries
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, events_of, lots_of, spend
from tests.factories.stores import make_store

DAY = timedelta(days=1)


class TestTransfer:
    def test_moves_all_that_is_left_with_expiry_and_issuing_store(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)
        store = make_store(session)
        earn(session, merged.id, 50, expires_at=at + 5 * DAY, store_id=store.id, occurred_at=at - DAY)
        earn(session, merged.id, 40, available_at=at + DAY)
        earn(session, merged.id, 30, at=at - 2 * DAY, expires_at=at - DAY)
        spend(session, merged.id, 20)
        earn(session, survivor.id, 7)

        moved = transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)

        terms = session.execute(
            select(Lot.points, Lot.opened_at, Lot.available_at, Lot.expires_at, Lot.store_id)
            .where(Lot.member_id == survivor.id)
            .order_by(Lot.id)
        ).all()
        assert moved is not None
        assert (moved.debit.points, moved.debit.balance_after) == (-100, 0)
        assert (moved.credit.points, moved.credit.balance_after) == (100, 107)
        assert [tuple(row) for row in terms[1:]] == [
            (30, at - DAY, at, at + 5 * DAY, store.id),
            (40, at, at + DAY, None, None),
            (30, at - 2 * DAY, at - 2 * DAY, at - DAY, None),
        ]
        assert lots_of(session, merged.id) == [0, 0, 0]
        for member in (merged, survivor):
            assert_books_fit(session, member.id)

    def test_again_answers_as_the_first_time(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)
        earn(session, merged.id, 50)
        moves = [
            transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)
            for _ in range(2)
        ]

        first, again = moves

        assert first is not None
        assert again is not None
        assert (again.debit.is_replay, again.credit.entry_id) == (True, first.credit.entry_id)
        assert balance_of(session, survivor.id) == 50

    def test_of_nothing_posts_nothing(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)

        moved = transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)

        assert moved is None
        assert list_entries(session, member_id=survivor.id).items == []

    def test_is_no_news_to_other_modules(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)
        earn(session, merged.id, 50)

        transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)

        assert events_of(session, survivor.id) == []
        assert len(events_of(session, merged.id)) == 1
