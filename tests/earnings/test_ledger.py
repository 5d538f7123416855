"""A member's money: accrued, approved, reversed, withdrawn, returned, moved and given up."""

import pytest
from sqlalchemy.orm import Session

from loyalty.earnings import queries, service
from loyalty.earnings.rules import (
    AccrualExceeded,
    AccrualNotFound,
    EarningsKind,
    InsufficientEarnings,
    InvalidEarningsAmount,
)
from loyalty.earnings.service import Earned
from loyalty.members.models import Member
from tests.factories.earnings import (
    AT,
    accrue,
    approve,
    assert_money_fits,
    figures,
    give_back,
    make_available,
    reverse,
    withdraw,
)
from tests.factories.members import make_member


@pytest.fixture
def member_id(session: Session) -> int:
    return make_member(session).id


class TestAccruals:
    def test_are_pending_until_they_are_approved(self, session: Session, member_id: int) -> None:
        first = accrue(session, member_id, 300)
        accrue(session, member_id, 200)
        assert figures(session, member_id) == (500, 0, 0)

        approve(session, member_id, 300, first)

        assert figures(session, member_id) == (200, 300, 0)
        assert_money_fits(session, member_id)

    def test_posted_twice_count_once(self, session: Session, member_id: int) -> None:
        for _ in range(2):
            reference = accrue(session, member_id, 300, reference="commission:1")
            approve(session, member_id, 300, reference)

        assert figures(session, member_id) == (0, 300, 0)

    def test_come_in_pages_that_name_a_member_often(self, session: Session) -> None:
        members = [make_member(session).id for _ in range(3)]
        accrue(session, members[0], 1, reference="commission:0")
        page = [
            Earned(member_id, 10 + number, f"commission:{number}", {"order_id": number}, AT)
            for number in range(4)
            for member_id in members
        ]

        posted = service.accrue_many(session, earned=page, at=AT)
        again = service.accrue_many(session, earned=page, at=AT)

        assert (len(posted), again) == (11, [])
        assert figures(session, members[0]) == (1 + 11 + 12 + 13, 0, 0)
        assert figures(session, members[2]) == (10 + 11 + 12 + 13, 0, 0)
        for member_id in members:
            assert_money_fits(session, member_id)

    @pytest.mark.parametrize("amount_fen", [0, -1, 10**12])
    def test_of_absurd_amounts_are_refused(self, session: Session, member_id: int, amount_fen: int) -> None:
        with pytest.raises(InvalidEarningsAmount):
            accrue(session, member_id, amount_fen)

    def test_that_are_unknown_or_changed_since_are_not_approved(self, session: Session, member_id: int) -> None:
        reference = accrue(session, member_id, 300)
        reverse(session, member_id, 100, reference)

        with pytest.raises(AccrualNotFound):
            approve(session, member_id, 300, "commission:unknown")
        with pytest.raises(AccrualExceeded):
            approve(session, member_id, 300, reference)
        approve(session, member_id, 200, reference)

        assert figures(session, member_id) == (0, 200, 0)


class TestReversals:
    def test_before_approval_take_from_what_is_pending(self, session: Session, member_id: int) -> None:
        make_available(session, member_id, 1_000)
        reference = accrue(session, member_id, 300)

        reverse(session, member_id, 300, reference)

        assert figures(session, member_id) == (0, 1_000, 0)
        assert_money_fits(session, member_id)

    def test_after_the_payout_are_owed_and_paid_from_the_next_approval(self, session: Session, member_id: int) -> None:
        reference = make_available(session, member_id, 300)
        accrue(session, member_id, 50)
        withdraw(session, member_id, 250)

        reverse(session, member_id, 300, reference)
        assert figures(session, member_id) == (50, 0, 250)

        make_available(session, member_id, 100)
        assert figures(session, member_id) == (50, 0, 150)
        make_available(session, member_id, 400)
        assert figures(session, member_id) == (50, 250, 0)
        assert_money_fits(session, member_id)

    def test_in_parts_never_exceed_the_accrual(self, session: Session, member_id: int) -> None:
        reference = make_available(session, member_id, 300)
        for part in (1, 2):
            reverse(session, member_id, 100, reference, reference=f"refund:{part}")
            reverse(session, member_id, 100, reference, reference=f"refund:{part}")

        with pytest.raises(AccrualExceeded):
            reverse(session, member_id, 101, reference)
        with pytest.raises(AccrualNotFound):
            reverse(session, member_id, 1, "commission:unknown")

        assert figures(session, member_id) == (0, 100, 0)


class TestWithdrawals:
    def test_take_tax_and_net_in_entries_of_their_own(self, session: Session, member_id: int) -> None:
        make_available(session, member_id, 1_000)

        withdraw(session, member_id, 600, tax_fen=120)

        lines = queries.statement(session, member_id=member_id).items
        assert [(line.kind, line.amount_fen) for line in lines[:2]] == [
            (EarningsKind.WITHHOLD, 120),
            (EarningsKind.WITHDRAW, 480),
        ]
        assert figures(session, member_id) == (0, 400, 0)
        assert_money_fits(session, member_id)

    def test_of_more_than_there_is_are_refused(self, session: Session, member_id: int) -> None:
        make_available(session, member_id, 100)

        with pytest.raises(InsufficientEarnings):
            withdraw(session, member_id, 101, tax_fen=20)

        assert figures(session, member_id) == (0, 100, 0)

    def test_come_back_once_and_pay_what_is_owed_first(self, session: Session, member_id: int) -> None:
        accrued = make_available(session, member_id, 1_000)
        reference = withdraw(session, member_id, 1_000, tax_fen=200)
        reverse(session, member_id, 300, accrued)

        for _ in range(2):
            give_back(session, member_id, 1_000, reference)

        assert figures(session, member_id) == (0, 700, 0)
        assert_money_fits(session, member_id)


class TestEnds:
    def test_a_merge_moves_what_is_left_and_settles_what_is_owed(self, session: Session, member_id: int) -> None:
        survivor_id = make_member(session).id
        owed = make_available(session, member_id, 500)
        withdraw(session, member_id, 500)
        reverse(session, member_id, 500, owed)
        accrue(session, member_id, 70)
        make_available(session, survivor_id, 800)

        for _ in range(2):
            service.transfer(
                session, from_member_id=member_id, to_member_id=survivor_id, reference=f"merge:{member_id}", at=AT
            )

        assert figures(session, member_id) == (0, 0, 0)
        assert figures(session, survivor_id) == (70, 300, 0)
        assert_money_fits(session, member_id)
        assert_money_fits(session, survivor_id)

    def test_what_the_merged_member_earned_is_approved_and_reversed_for_the_survivor(
        self, session: Session, member_id: int
    ) -> None:
        survivor = make_member(session)
        reference = accrue(session, member_id, 300)
        service.transfer(
            session, from_member_id=member_id, to_member_id=survivor.id, reference=f"merge:{member_id}", at=AT
        )
        merged_away(session, member_id, survivor.id)

        accrue(session, survivor.id, 300, reference=reference)
        for _ in range(2):
            approve(session, survivor.id, 300, reference)
        reverse(session, survivor.id, 100, reference)

        assert figures(session, survivor.id) == (0, 200, 0)
        lines = queries.statement(session, member_id=survivor.id).items
        assert [line.kind for line in lines] == ["reverse", "approve", "transfer", "transfer", "accrue"]

    def test_closing_gives_up_what_is_there_and_nothing_can_be_approved_after(
        self, session: Session, member_id: int
    ) -> None:
        make_available(session, member_id, 40)
        reference = accrue(session, member_id, 60)

        for _ in range(2):
            service.forfeit(session, member_id=member_id, reference=f"closing:{member_id}", at=AT)

        assert figures(session, member_id) == (0, 0, 0)
        assert_money_fits(session, member_id)
        with pytest.raises(AccrualExceeded):
            approve(session, member_id, 60, reference)


def merged_away(session: Session, member_id: int, survivor_id: int) -> None:
    member = session.get_one(Member, member_id)
    member.status, member.merged_into_id = "merged", survivor_id
    session.flush()
