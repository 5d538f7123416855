from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.points import service
from loyalty.points.models import LedgerEntry, Lot, PointsAccount
from loyalty.points.rules import POINTS_MAX, InvalidPoints
from loyalty.points.rules.expiry import LotTerms
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, events_of
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter


class TestEarn:
    def test_raises_the_balance_appends_an_entry_and_opens_a_lot(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        store = make_store(session)
        expires_at = at + timedelta(days=365)

        posting = service.earn(
            session,
            member_id=member.id,
            points=120,
            reference="order:A1",
            explanation={"rule": "purchase"},
            occurred_at=at - timedelta(days=1),
            at=at,
            store_id=store.id,
            actor="system:orders",
            revision_id=7,
            terms=LotTerms(expires_at),
        )

        entry = session.scalars(select(LedgerEntry).where(LedgerEntry.member_id == member.id)).one()
        lot = session.scalars(select(Lot).where(Lot.member_id == member.id)).one()
        assert (posting.entry_id, posting.sequence, posting.points) == (entry.id, 1, 120)
        assert (posting.balance_after, posting.is_replay) == (120, False)
        assert (entry.kind, entry.points, entry.balance_after, entry.debt_after) == ("earn", 120, 120, 0)
        assert (entry.store_id, entry.actor, entry.revision_id) == (store.id, "system:orders", 7)
        assert (entry.occurred_at, entry.recorded_at) == (at - timedelta(days=1), at)
        assert (lot.entry_id, lot.points, lot.remaining, lot.store_id) == (entry.id, 120, 120, store.id)
        assert (lot.opened_at, lot.available_at, lot.expires_at) == (at - timedelta(days=1), at, expires_at)
        assert_books_fit(session, member.id)

    def test_tells_other_modules_in_the_same_transaction(self, session: Session) -> None:
        member = make_member(session)

        posting = earn(session, member.id, 30, reference="order:B2")

        event = {
            "member_id": member.id,
            "entry_id": posting.entry_id,
            "kind": "earn",
            "points": 30,
            "balance_after": 30,
            "reference": "order:B2",
            "source": "order",
        }
        assert events_of(session, member.id) == [("points.earned", event)]

    def test_continues_the_sequence_and_the_chain(self, session: Session) -> None:
        member = make_member(session)

        postings = [earn(session, member.id, points) for points in (10, 20, 30)]

        account = session.get_one(PointsAccount, member.id)
        entries = session.scalars(
            select(LedgerEntry).where(LedgerEntry.member_id == member.id).order_by(LedgerEntry.sequence)
        ).all()
        assert [posting.sequence for posting in postings] == [1, 2, 3]
        assert [posting.balance_after for posting in postings] == [10, 30, 60]
        assert len({entry.digest for entry in entries}) == 3
        assert account.chain_head == entries[-1].digest
        assert_books_fit(session, member.id)

    def test_of_a_known_reference_answers_as_the_first_time_and_gives_nothing(self, session: Session) -> None:
        member = make_member(session)
        first = earn(session, member.id, 30, reference="order:C3")
        earn(session, member.id, 5)

        again = earn(session, member.id, 30, reference="order:C3")

        assert again.is_replay
        assert (again.entry_id, again.sequence, again.balance_after) == (first.entry_id, 1, 30)
        assert balance_of(session, member.id) == 35
        assert len(events_of(session, member.id)) == 2

    def test_keeps_references_of_different_members_apart(self, session: Session) -> None:
        member, other = make_member(session), make_member(session)
        earn(session, member.id, reference="order:D4")

        posting = earn(session, other.id, reference="order:D4")

        assert not posting.is_replay

    @pytest.mark.parametrize("points", [0, -1, POINTS_MAX + 1])
    def test_refuses_points_nobody_can_have_meant(self, session: Session, points: int) -> None:
        member = make_member(session)

        with pytest.raises(InvalidPoints):
            earn(session, member.id, points)

        assert events_of(session, member.id) == []

    def test_is_one_statement_for_a_member_with_an_account(
        self, session: Session, at: datetime, statements: StatementCounter
    ) -> None:
        member = make_member(session)
        service.open_account(session, member_id=member.id, at=at)
        statements.clear()

        earn(session, member.id)

        assert statements.count == 1
