from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.points import service
from loyalty.points.models import LedgerEntry
from loyalty.points.rules import (
    EntryNotFound,
    EntryNotReversible,
    InsufficientPoints,
    ReversalExceedsEntry,
    Shortfall,
)
from tests.factories.members import make_member
from tests.factories.points import (
    assert_books_fit,
    balance_of,
    draws_of,
    earn,
    events_of,
    lots_of,
    reverse,
    spend,
)

DAY = timedelta(days=1)


class TestReverseOfACredit:
    def test_takes_back_what_it_gave_from_its_own_lot(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50, expires_at=at + DAY)
        earned = earn(session, member.id, 30)

        posting = reverse(session, member.id, earned.entry_id)

        assert (posting.points, posting.balance_after) == (-30, 50)
        assert lots_of(session, member.id) == [50, 0]
        assert events_of(session, member.id)[-1][0] == "points.reversed"
        assert_books_fit(session, member.id)

    def test_takes_back_pending_and_expired_points_of_its_own_lot(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        pending = earn(session, member.id, 30, available_at=at + DAY)
        expired = earn(session, member.id, 20, at=at - 2 * DAY, expires_at=at - DAY)

        for earned in (pending, expired):
            reverse(session, member.id, earned.entry_id)

        assert lots_of(session, member.id) == [0, 0]
        assert_books_fit(session, member.id)

    def test_after_spending_takes_the_rest_from_other_lots(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 100, expires_at=at + DAY)
        spend(session, member.id, 80)
        earn(session, member.id, 200)

        posting = reverse(session, member.id, earned.entry_id)

        assert posting.balance_after == 120
        assert lots_of(session, member.id) == [0, 120]
        assert draws_of(session, member.id, posting.entry_id) == [20, 80]
        assert_books_fit(session, member.id)

    def test_of_points_already_spent_is_refused_by_default(self, session: Session) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 100)
        spend(session, member.id, 60)

        with pytest.raises(InsufficientPoints) as refusal:
            reverse(session, member.id, earned.entry_id)

        assert refusal.value.details == {"points": 100, "available": 40}
        assert balance_of(session, member.id) == 40

    def test_of_points_already_spent_can_be_clamped_and_says_what_was_forgiven(self, session: Session) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 100)
        spend(session, member.id, 60)

        posting = reverse(session, member.id, earned.entry_id, shortfall=Shortfall.CLAMP)

        entry = session.get_one(LedgerEntry, (member.id, posting.entry_id))
        assert (posting.points, posting.balance_after) == (-40, 0)
        assert (entry.reversed_entry_id, entry.reversed_points) == (earned.entry_id, 100)
        assert entry.explanation["forgiven"] == 60
        assert_books_fit(session, member.id)

    def test_clamped_to_nothing_still_stands_in_the_statement(self, session: Session) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 100)
        spend(session, member.id, 100)

        posting = reverse(session, member.id, earned.entry_id, shortfall=Shortfall.CLAMP)

        assert posting.points == 0
        with pytest.raises(ReversalExceedsEntry):
            reverse(session, member.id, earned.entry_id)
        assert_books_fit(session, member.id)


class TestReverseOfADebit:
    def test_returns_the_points_to_the_very_lots_with_their_expiry(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        earn(session, member.id, 50, expires_at=at + DAY)
        spent = spend(session, member.id, 80)

        posting = reverse(session, member.id, spent.entry_id)

        assert (posting.points, posting.balance_after) == (80, 100)
        assert lots_of(session, member.id) == [50, 50]
        assert draws_of(session, member.id, posting.entry_id) == [-30, -50]
        assert_books_fit(session, member.id)

    def test_in_parts_adds_up_to_the_whole_and_never_beyond(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        earn(session, member.id, 50, expires_at=at + DAY)
        spent = spend(session, member.id, 80)

        after_first = reverse(session, member.id, spent.entry_id, points=40)
        lots_after_first = lots_of(session, member.id)
        after_second = reverse(session, member.id, spent.entry_id, points=25)
        rest = reverse(session, member.id, spent.entry_id)

        assert lots_after_first == [50, 10]
        assert [after_first.points, after_second.points, rest.points] == [40, 25, 15]
        assert lots_of(session, member.id) == [50, 50]
        with pytest.raises(ReversalExceedsEntry):
            reverse(session, member.id, spent.entry_id, points=1)
        assert_books_fit(session, member.id)

    def test_into_an_expired_lot_leaves_the_points_expired(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50, expires_at=at + DAY)
        spent = spend(session, member.id, 50)

        reverse(session, member.id, spent.entry_id, at=at + 2 * DAY)

        assert balance_of(session, member.id) == 50
        with pytest.raises(InsufficientPoints):
            spend(session, member.id, 1, at=at + 2 * DAY)


class TestReverse:
    def test_of_a_known_reference_answers_as_the_first_time(self, session: Session) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 100)
        first = reverse(session, member.id, earned.entry_id, reference="refund:1", points=10)

        again = reverse(session, member.id, earned.entry_id, reference="refund:1", points=10)

        assert (again.is_replay, again.entry_id) == (True, first.entry_id)
        assert balance_of(session, member.id) == 90

    def test_of_a_reversal_is_refused(self, session: Session) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 100)
        reversal = reverse(session, member.id, earned.entry_id)

        with pytest.raises(EntryNotReversible):
            reverse(session, member.id, reversal.entry_id)

    def test_of_a_transfer_is_refused(self, session: Session, at: datetime) -> None:
        member, survivor = make_member(session), make_member(session)
        earn(session, member.id, 100)
        moved = service.transfer(
            session, from_member_id=member.id, to_member_id=survivor.id, reference="merge:1", at=at
        )

        assert moved is not None
        with pytest.raises(EntryNotReversible):
            reverse(session, survivor.id, moved.credit.entry_id)

    def test_of_somebody_elses_entry_finds_nothing(self, session: Session) -> None:
        member, other = make_member(session), make_member(session)
        earned = earn(session, member.id, 100)
        earn(session, other.id, 100)

        with pytest.raises(EntryNotFound):
            reverse(session, other.id, earned.entry_id)

    def test_without_an_account_finds_nothing(self, session: Session) -> None:
        with pytest.raises(EntryNotFound):
            reverse(session, make_member(session).id, 1)

    def test_of_an_adjustment_undoes_it_either_way(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 100)
        for points in (25, -25):
            posting = service.adjust(
                session,
                member_id=member.id,
                points=points,
                reference=f"adjustment:{points}",
                explanation={},
                at=at,
                actor="staff:1",
            )
            reverse(session, member.id, posting.entry_id)

        assert balance_of(session, member.id) == 100
        assert_books_fit(session, member.id)
