"""Points for early use: paid once while the use stands, taken back with it, whatever order the news comes in."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.rules.terms import BonusStep
from loyalty.coupons.service.bonus import pay_bonus, take_back_bonus
from loyalty.kernel.clock import end_of
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from loyalty.points.explanations import sentence
from loyalty.points.models import LedgerEntry, Lot, PointsAccount
from loyalty.points.rules import Shortfall
from tests.factories.coupon_uses import ids_of, undo, use_of, use_up
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT, assert_books_fit, balance_of, earn, spend

BONUS = (BonusStep(within_days=3, points=30), BonusStep(within_days=7, points=10))
LATER = AT + timedelta(hours=1)


@pytest.fixture
def redemption_id(session: Session, member_id: int) -> int:
    return used_at(session, member_id, AT)


def used_at(session: Session, member_id: int, at: datetime) -> int:
    template_id = make_template(session, terms_of(bonus=BONUS, title="早鸟券"))
    coupon_id = issue_to(session, member_id, template_id).coupon_id
    return ids_of(use_up(session, member_id, coupon_id, use=use_of(at=at)))[0]


def pay(session: Session, redemption_id: int) -> None:
    pay_bonus(session, redemption_id=redemption_id, at=LATER, zone=SHANGHAI)


def take_back(session: Session, redemption_id: int, shortfall: Shortfall = Shortfall.OFFSET_NEXT_EARN) -> None:
    take_back_bonus(session, redemption_id=redemption_id, shortfall=shortfall, at=LATER, zone=SHANGHAI)


def worth_of(session: Session, member_id: int) -> int:
    """What a member has, less what is owed."""
    worth = select(PointsAccount.balance - PointsAccount.debt).where(PointsAccount.member_id == member_id)
    return session.scalars(worth).one_or_none() or 0


def merge_into(session: Session, survivor_id: int, other_id: int) -> None:
    merge(session, survivor_id=survivor_id, other_id=other_id, actor=ACTOR, at=LATER)


class TestPaying:
    @pytest.mark.parametrize(("days", "points"), [(0, 30), (2, 30), (3, 10), (6, 10), (7, 0)])
    def test_is_by_the_step_that_the_day_of_use_meets(
        self, session: Session, member_id: int, days: int, points: int
    ) -> None:
        pay(session, used_at(session, member_id, AT + timedelta(days=days)))

        assert worth_of(session, member_id) == points

    def test_is_explained_and_lives_as_the_programme_says(
        self, session: Session, member_id: int, redemption_id: int
    ) -> None:
        pay(session, redemption_id)

        entry = session.scalars(select(LedgerEntry).where(LedgerEntry.member_id == member_id)).one()
        told = sentence(kind=entry.kind, points=entry.points, explanation=entry.explanation)
        assert (told, entry.occurred_at) == ("尽早使用优惠券「早鸟券」，奖励30积分", AT)
        lot = session.scalars(select(Lot).where(Lot.member_id == member_id)).one()
        assert lot.expires_at == end_of(date(2027, 3, 10), SHANGHAI)
        assert_books_fit(session, member_id)

    def test_twice_is_once(self, session: Session, member_id: int, redemption_id: int) -> None:
        for _ in range(2):
            pay(session, redemption_id)

        assert balance_of(session, member_id) == 30

    def test_of_a_use_that_was_reversed_before_the_news_came_is_nothing(
        self, session: Session, member_id: int, redemption_id: int
    ) -> None:
        undo(session, redemption_id)

        take_back(session, redemption_id)
        pay(session, redemption_id)

        assert worth_of(session, member_id) == 0

    @pytest.mark.parametrize("is_paid_before", [False, True])
    def test_of_somebody_merged_since_is_the_survivors_once(
        self, session: Session, member_id: int, redemption_id: int, is_paid_before: bool
    ) -> None:
        survivor_id = make_member(session).id
        if is_paid_before:
            pay(session, redemption_id)
        merge_into(session, survivor_id, member_id)

        pay(session, redemption_id)

        assert (worth_of(session, survivor_id), worth_of(session, member_id)) == (30, 0)

    def test_of_somebody_closed_since_is_nothing(self, session: Session) -> None:
        member = make_member(session)
        redemption_id = used_at(session, member.id, AT)
        member.status = MemberStatus.CLOSED
        session.flush()

        pay(session, redemption_id)

        assert worth_of(session, member.id) == 0


class TestTakingBack:
    def test_leaves_no_trace_and_is_done_once(self, session: Session, member_id: int, redemption_id: int) -> None:
        earn(session, member_id, 5)
        pay(session, redemption_id)
        undo(session, redemption_id)

        for _ in range(2):
            take_back(session, redemption_id)
        pay(session, redemption_id)

        assert balance_of(session, member_id) == 5
        last = session.scalars(select(LedgerEntry).where(LedgerEntry.member_id == member_id).order_by("id")).all()[-1]
        told = sentence(kind=last.kind, points=last.points, explanation=last.explanation)
        assert told == "优惠券「早鸟券」撤销核销，扣回30积分"
        assert_books_fit(session, member_id)

    @pytest.mark.parametrize(("shortfall", "worth"), [(Shortfall.CLAMP, 0), (Shortfall.NEGATIVE, -20)])
    def test_of_points_already_spent_follows_the_policy(
        self, session: Session, member_id: int, redemption_id: int, shortfall: Shortfall, worth: int
    ) -> None:
        pay(session, redemption_id)
        spend(session, member_id, 20, at=LATER)
        undo(session, redemption_id)

        take_back(session, redemption_id, shortfall)

        assert worth_of(session, member_id) == worth
        assert_books_fit(session, member_id)

    def test_of_somebody_merged_since_is_borne_by_the_survivor_once(
        self, session: Session, member_id: int, redemption_id: int
    ) -> None:
        survivor_id = make_member(session).id
        pay(session, redemption_id)
        spend(session, member_id, 20, at=LATER)
        undo(session, redemption_id)
        merge_into(session, survivor_id, member_id)

        for _ in range(2):
            take_back(session, redemption_id, Shortfall.CLAMP)

        assert (worth_of(session, survivor_id), worth_of(session, member_id)) == (-20, 0)
        for one in (survivor_id, member_id):
            assert_books_fit(session, one)

    def test_of_a_coupon_used_again_leaves_the_new_bonus_alone(
        self, session: Session, member_id: int, redemption_id: int
    ) -> None:
        pay(session, redemption_id)
        coupon_id = undo(session, redemption_id).coupon_id
        again = ids_of(use_up(session, member_id, coupon_id, reference="till:2"))[0]
        pay(session, again)

        take_back(session, redemption_id)

        assert balance_of(session, member_id) == 30
