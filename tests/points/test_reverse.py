from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.points import service
from loyalty.points.expiry_models import LotEvidence
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.queries import get_entry, summary
from loyalty.points.rules import (
    EntryNotFound,
    EntryNotReversible,
    InsufficientPoints,
    ReversalExceedsEntry,
    Shortfall,
)
from loyalty.points.service.expiry import expire_lots
from tests.factories.check_ins import SHANGHAI
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


def tell(session: Session, member_id: int, expires_at: datetime) -> None:
    """Write down that the member knows when the lot ends that ends then."""
    lot_id = session.scalars(select(Lot.id).where(Lot.member_id == member_id, Lot.expires_at == expires_at)).one()
    told_at = expires_at - DAY
    session.add(
        LotEvidence(
            member_id=member_id,
            lot_id=lot_id,
            expires_on=expires_at.astimezone(SHANGHAI).date(),
            channel="inbox",
            notice_id=1,
            reached_at=told_at,
            found_at=told_at,
        )  # fmt: skip
    )
    session.flush()


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

    def test_takes_nothing_for_what_had_expired_unspent(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earned = earn(session, member.id, 100, expires_at=at + DAY)
        spend(session, member.id, 30)
        earn(session, member.id, 500)
        tell(session, member.id, at + DAY)
        expire_lots(session, run="1", after_member_id=member.id - 1, at=at + 2 * DAY, zone=SHANGHAI, limit=1)

        parts = [
            reverse(session, member.id, earned.entry_id, points=points, at=at + 2 * DAY) for points in (50, 30, 20)
        ]

        assert [part.points for part in parts] == [0, -10, -20]
        explanations = [get_entry(session, member_id=member.id, entry_id=part.entry_id).explanation for part in parts]
        assert [explanation.get("expired") for explanation in explanations] == [50, 20, None]
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

    def test_into_an_expired_lot_gives_a_grace_and_says_so(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50, expires_at=at + DAY)
        earn(session, member.id, 50)
        spent = spend(session, member.id, 70)

        reversal = reverse(session, member.id, spent.entry_id, at=at + 2 * DAY)

        last_day = datetime(2026, 3, 19, tzinfo=SHANGHAI)
        now = summary(session, member_id=member.id, at=at + 2 * DAY)
        assert (now.available, now.soonest_expiring_points) == (100, 50)
        assert now.soonest_expires_at == last_day + DAY
        entry = get_entry(session, member_id=member.id, entry_id=reversal.entry_id)
        assert (entry.explanation["graced"], entry.explanation["graced_until_on"]) == (50, "2026-03-19")
        spend(session, member.id, 100, at=last_day + timedelta(hours=23))
        assert_books_fit(session, member.id)

    def test_into_a_lot_that_inactivity_had_ended_gives_a_grace(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50)
        session.execute(update(Lot).where(Lot.member_id == member.id).values(idle_days=30, idle_zone=SHANGHAI.key))
        spent = spend(session, member.id, 50)

        reverse(session, member.id, spent.entry_id, at=at + 60 * DAY)

        assert summary(session, member_id=member.id, at=at + 67 * DAY).available == 50
        assert summary(session, member_id=member.id, at=at + 69 * DAY).available == 0

    def test_into_a_lot_that_still_lives_gives_no_grace(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 50, expires_at=at + DAY)
        spent = spend(session, member.id, 50)

        reverse(session, member.id, spent.entry_id, at=at + DAY - timedelta(microseconds=1))

        assert summary(session, member_id=member.id, at=at).soonest_expires_at == at + DAY

    def test_into_an_expired_lot_revives_nothing_else_of_it(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 100, reference="order:1", expires_at=at + DAY)
        tell(session, member.id, at + DAY)
        spent = spend(session, member.id, 60)

        reverse(session, member.id, spent.entry_id, points=25, at=at + 2 * DAY)

        assert summary(session, member_id=member.id, at=at + 2 * DAY).available == 25
        assert lots_of(session, member.id) == [25]
        assert_books_fit(session, member.id)


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
