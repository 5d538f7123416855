"""Debt: what a refund could not take is owed, the next credit pays it, and refunding everything leaves nothing."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.check_ins.rules import Plan
from loyalty.kernel.database import Database
from loyalty.points import posting
from loyalty.points.models import LedgerEntry, PointsAccount
from loyalty.points.queries import summary
from loyalty.points.rules import POINTS_MAX, InsufficientPoints, Shortfall
from loyalty.points.service import adjust, open_account, transfer
from loyalty.points.statement.entries import list_entries
from tests.factories.check_ins import check_in_for, make_plan
from tests.factories.members import make_member
from tests.factories.points import AT, assert_books_fit, earn, lots_of, place, reverse, spend
from tests.points.test_posting import credits_of

DAY = timedelta(days=1)


def in_debt(session: Session, *, owed: int, shortfall: Shortfall = Shortfall.NEGATIVE) -> int:
    """Return a member who owes points: what was refunded had been spent."""
    member_id = make_member(session).id
    earned = earn(session, member_id, owed)
    spend(session, member_id, owed)
    reverse(session, member_id, earned.entry_id, shortfall=shortfall)
    return member_id


def standing(session: Session, member_id: int) -> tuple[int, int]:
    """Balance and debt."""
    account = session.get_one(PointsAccount, member_id, populate_existing=True)
    return account.balance, account.debt


def last_entry(session: Session, member_id: int) -> LedgerEntry:
    entries = select(LedgerEntry).where(LedgerEntry.member_id == member_id)
    return session.scalars(entries.order_by(LedgerEntry.sequence.desc())).first()  # type: ignore[return-value]


class TestOwing:
    @pytest.mark.parametrize("shortfall", [Shortfall.NEGATIVE, Shortfall.OFFSET_NEXT_EARN])
    def test_takes_what_is_there_and_owes_the_rest(self, session: Session, shortfall: Shortfall) -> None:
        member_id = make_member(session).id
        earned = earn(session, member_id, 100)
        spend(session, member_id, 70)

        reversal = reverse(session, member_id, earned.entry_id, shortfall=shortfall)

        entry = last_entry(session, member_id)
        assert (reversal.points, entry.balance_after, entry.debt_after, entry.reversed_points) == (-100, 0, 70, 100)
        assert entry.explanation == {
            "rule": "reversal", "of": "earn", "forgiven": 0, "owed": 70, "shortfall": shortfall.value,
        }  # fmt: skip
        assert_books_fit(session, member_id)

    def test_in_parts_adds_up(self, session: Session) -> None:
        member_id = make_member(session).id
        earned = earn(session, member_id, 100)
        spend(session, member_id, 70)

        for points in (20, 30, 50):
            reverse(session, member_id, earned.entry_id, points=points, shortfall=Shortfall.NEGATIVE)

        assert standing(session, member_id) == (0, 70)
        assert_books_fit(session, member_id)

    def test_forbids_spending_and_holding_what_is_owed(self, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        earned = earn(session, member_id, 50)
        spend(session, member_id, 50)
        earn(session, member_id, 80, available_at=at + DAY)
        reverse(session, member_id, earned.entry_id, shortfall=Shortfall.NEGATIVE)

        then = summary(session, member_id=member_id, at=at + DAY)

        assert (then.balance, then.debt, then.available) == (80, 50, 30)
        for act in (spend, place):
            with pytest.raises(InsufficientPoints) as refused:
                act(session, member_id, 31, at=at + DAY)
            assert refused.value.details == {"points": 31, "available": 30}
        spend(session, member_id, 30, at=at + DAY)
        assert_books_fit(session, member_id)

    def test_more_than_a_number_of_rows_can_be_is_owed_all_the_same(self, session: Session) -> None:
        member_id = make_member(session).id
        earned = [earn(session, member_id, POINTS_MAX) for _ in range(3)]
        for _ in earned:
            spend(session, member_id, POINTS_MAX)
        for each in earned:
            reverse(session, member_id, each.entry_id, shortfall=Shortfall.NEGATIVE)

        for act in (spend, place):
            with pytest.raises(InsufficientPoints):
                act(session, member_id, POINTS_MAX)


class TestPaying:
    @pytest.mark.parametrize(("points", "left", "owed"), [(29, 0, 1), (30, 0, 0), (31, 1, 0), (100, 70, 0)])
    def test_comes_first_when_points_are_earned(self, session: Session, points: int, left: int, owed: int) -> None:
        member_id = in_debt(session, owed=30)

        earned = earn(session, member_id, points, reference="order:paying")

        entry = last_entry(session, member_id)
        assert (earned.points, earned.balance_after, entry.debt_after) == (points, left, owed)
        assert lots_of(session, member_id) == [0] + ([left] if left else [])
        assert entry.explanation == {"rule": "purchase", "debt_paid": min(points, 30)}
        assert earn(session, member_id, points, reference="order:paying").is_replay
        assert standing(session, member_id) == (left, owed)
        assert_books_fit(session, member_id)

    def test_is_told_in_the_statement(self, session: Session) -> None:
        member_id = in_debt(session, owed=30, shortfall=Shortfall.OFFSET_NEXT_EARN)
        earn(session, member_id, 100)

        told = [line.reason for line in list_entries(session, member_id=member_id).items]

        assert told[:2] == [
            "消费获得100积分，其中30积分用于抵扣所欠积分",
            "撤销一笔入账，扣回30积分，其中30积分已用完，将从下次获得的积分中抵扣",
        ]

    def test_is_done_for_many_members_by_one_statement(self, session: Session, at: datetime) -> None:
        members = [in_debt(session, owed=owed) for owed in (10, 25, 40)]
        members.append(make_member(session).id)
        open_account(session, member_id=members[-1], at=at)

        posted = session.execute(posting.post_credits(credits_of(members, 25, at), event="points.earned").rows()).all()

        assert len(posted) == 4
        assert [standing(session, member_id) for member_id in members] == [(15, 0), (0, 0), (0, 15), (25, 0)]
        for member_id in members:
            assert_books_fit(session, member_id)

    def test_is_done_by_what_a_clerk_adds(self, session: Session, at: datetime) -> None:
        member_id = in_debt(session, owed=30)

        adjust(
            session, member_id=member_id, points=40, reference="adjustment:1", explanation={}, at=at, actor="staff:1"
        )

        assert standing(session, member_id) == (10, 0)
        assert_books_fit(session, member_id)

    def test_comes_first_when_a_spend_is_refunded(self, session: Session) -> None:
        member_id = make_member(session).id
        earned = earn(session, member_id, 100)
        spent = spend(session, member_id, 100)
        reverse(session, member_id, earned.entry_id, shortfall=Shortfall.NEGATIVE)

        for points in (60, 40):
            reverse(session, member_id, spent.entry_id, points=points)

        assert standing(session, member_id) == (0, 0)
        assert lots_of(session, member_id) == [0]
        assert_books_fit(session, member_id)

    def test_is_undone_with_the_credit_that_paid(self, session: Session) -> None:
        member_id = in_debt(session, owed=30)
        earned = earn(session, member_id, 100)

        reverse(session, member_id, earned.entry_id, shortfall=Shortfall.NEGATIVE)

        assert standing(session, member_id) == (0, 30)
        assert_books_fit(session, member_id)

    def test_comes_first_when_a_check_in_pays(self, session: Session, database: Database, at: datetime) -> None:
        make_plan(session, Plan(points_by_day=(20,), bonus_by_day={}, growth=1, valid_days=None))
        member_id = in_debt(session, owed=30)
        session.commit()

        results = check_in_for(database, member_id, at.date(), 2)

        assert [(result.points, result.balance_after) for result in results] == [(20, 0), (20, 10)]
        assert lots_of(session, member_id) == [0, 10]
        assert last_entry(session, member_id).explanation["debt_paid"] == 10
        assert_books_fit(session, member_id)


class TestMerging:
    @pytest.mark.parametrize("points", [0, 30, 50])
    def test_moves_the_debt_with_the_points(self, session: Session, at: datetime, points: int) -> None:
        merged, survivor = make_member(session).id, make_member(session).id
        earned = earn(session, merged, 30)
        spend(session, merged, 30)
        if points:
            earn(session, merged, points, available_at=at + DAY)
        reverse(session, merged, earned.entry_id, shortfall=Shortfall.NEGATIVE)
        earn(session, survivor, 7)

        moved = transfer(session, from_member_id=merged, to_member_id=survivor, reference="merge:1", at=at)

        assert moved is not None
        assert (moved.debit.points, moved.credit.points) == (30 - points, points - 30)
        assert (standing(session, merged), standing(session, survivor)) == ((0, 0), (points + 7, 30))
        assert last_entry(session, survivor).debt_after == 30
        assert last_entry(session, merged).explanation == {"rule": "transfer", "to_member_id": survivor, "debt": 30}
        for member_id in (merged, survivor):
            assert_books_fit(session, member_id)

    def test_releases_the_holds(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session).id, make_member(session).id
        earn(session, merged, 100)
        place(session, merged, 60)

        transfer(session, from_member_id=merged, to_member_id=survivor, reference="merge:1", at=at)

        assert summary(session, member_id=survivor, at=at).available == 100
        for member_id in (merged, survivor):
            assert_books_fit(session, member_id)


def test_refunding_everything_equals_never_happened(session: Session) -> None:
    member_id = make_member(session).id
    entries = [earn(session, member_id, 100), spend(session, member_id, 80), earn(session, member_id, 30)]
    entries.append(spend(session, member_id, 45))

    for number in (0, 3, 2, 1):
        reverse(session, member_id, entries[number].entry_id, shortfall=Shortfall.NEGATIVE, at=AT)

    assert standing(session, member_id) == (0, 0)
    assert_books_fit(session, member_id)
