from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.checkout.rules import CheckoutPolicy
from loyalty.earning.rules import Caps, Conditions, Fixed, Multiple, PerAmount, Rounding
from loyalty.earning.rules.definition import Budgets
from loyalty.earning.service.rules import end, publish, save_draft
from loyalty.kernel.audit import Actor
from loyalty.limits.models import LimitCounter
from loyalty.merging.service import merge
from loyalty.orders.rules import RefundExceedsOrder, RefundLine
from loyalty.points.models import PointsAccount
from loyalty.points.rules import Shortfall
from loyalty.tiers.queries import tier_of
from tests.factories.checkout import ACCEPTING, buy, give_back, save_policy
from tests.factories.earning import ACTOR, BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, earn, spend


def debt_of(session: Session, member_id: int) -> int:
    return session.scalars(select(PointsAccount.debt).where(PointsAccount.member_id == member_id)).one()


def used(session: Session) -> int:
    return sum(session.scalars(select(LimitCounter.used).where(LimitCounter.subject.startswith("earning_rule"))))


class TestRefund:
    def test_by_line_adds_up_to_exactly_the_whole(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, growth=PerAmount(1, 300, Rounding.HALF_UP)))
        member = make_member(session)
        purchase = make_purchase(member.id, line(1, quantity=3, amount_fen=9_999), line(2, amount_fen=150))
        bought = buy(session, purchase)

        refunds = [
            give_back(session, make_refund(purchase.order_number, returned))
            for returned in (
                RefundLine(1, 1, 3_333),
                RefundLine(1, 1, 3_333),
                RefundLine(2, 1, 150),
                RefundLine(1, 1, 3_333),
            )
        ]

        assert [each.points_taken_back for each in refunds] == [33, 34, 1, 33]
        assert sum(each.points_taken_back for each in refunds) == bought.points == 101
        assert sum(each.growth_taken_back for each in refunds) == bought.growth
        assert (balance_of(session, member.id), tier_of(session, member_id=member.id, at=at).growth) == (0, 0)
        assert_books_fit(session, member.id)

    def test_below_a_threshold_takes_the_fixed_reward_back_and_no_more(self, session: Session) -> None:
        conditions = Conditions(minimum_amount_fen=10_000)
        make_rule(session, replace(BASE, points=Fixed(500), conditions=conditions))
        purchase = make_purchase(make_member(session).id, line(amount_fen=12_000))
        buy(session, purchase)

        taken = [
            give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, fen))).points_taken_back
            for fen in (2_000, 1, 9_000)
        ]

        assert taken == [0, 500, 0]

    def test_is_by_the_revision_that_paid_also_after_it_was_changed_or_ended(
        self, session: Session, at: datetime
    ) -> None:
        changed, ended = make_rule(session), make_rule(session, replace(BASE, points=Fixed(7)))
        purchase = make_purchase(make_member(session).id)
        assert buy(session, purchase).points == 107
        save_draft(
            session, rule_id=changed, name="十倍", definition=replace(BASE, points=PerAmount(10, 100)), starts_at=None,
            ends_at=None, actor=ACTOR, at=at,
        )  # fmt: skip
        publish(session, rule_id=changed, actor=ACTOR, at=at)
        end(session, rule_id=ended, actor=ACTOR, at=at)

        taken = [
            give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 5_000)), at=at).points_taken_back
            for _ in range(2)
        ]

        assert taken == [50, 57]

    def test_gives_caps_and_budgets_back_and_recomputes_no_other_order(self, session: Session) -> None:
        make_rule(session, replace(BASE, caps=Caps(member_day=150), budgets=Budgets(rule_budget=1_000)))
        member = make_member(session)
        first, second = (make_purchase(member.id) for _ in range(2))
        assert [buy(session, each).points for each in (first, second)] == [100, 50]

        assert give_back(session, make_refund(first.order_number)).points_taken_back == 100
        assert (balance_of(session, member.id), used(session)) == (50, 100)
        assert buy(session, make_purchase(member.id)).points == 100
        partly = give_back(session, make_refund(second.order_number, RefundLine(1, 0, 4_000)))
        assert partly.points_taken_back == 0
        assert give_back(session, make_refund(second.order_number, RefundLine(1, 1, 6_000))).points_taken_back == 50

    def test_of_multiplied_points_takes_back_what_was_multiplied(self, session: Session) -> None:
        make_rule(session)
        make_rule(session, replace(BASE, points=Multiple(30_000), conditions=Conditions(skus=frozenset({"tea-02"}))))
        purchase = make_purchase(
            make_member(session).id, line(1, sku="tea-01", amount_fen=5_000), line(2, sku="tea-02", amount_fen=5_000)
        )
        assert buy(session, purchase).points == 200

        assert give_back(session, make_refund(purchase.order_number, RefundLine(2, 1, 5_000))).points_taken_back == 150
        assert give_back(session, make_refund(purchase.order_number, RefundLine(1, 1, 5_000))).points_taken_back == 50

    def test_reported_again_takes_nothing_and_says_the_same(self, session: Session) -> None:
        make_rule(session)
        purchase = make_purchase(make_member(session).id)
        buy(session, purchase)
        half = make_refund(purchase.order_number, RefundLine(1, 0, 5_000))
        first = give_back(session, half)
        give_back(session, make_refund(purchase.order_number, RefundLine(1, 1, 5_000)))

        assert give_back(session, half) == replace(first, is_replay=True)
        with pytest.raises(RefundExceedsOrder):
            give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 1)))

    def test_before_its_purchase_is_the_same_as_after_it(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, growth=PerAmount(1, 100)))
        member = make_member(session)
        purchase = make_purchase(member.id)
        early = give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 4_000)))

        outcome = buy(session, purchase, at=at + timedelta(hours=1))

        assert (early.is_waiting_for_purchase, early.points_taken_back) == (True, 0)
        assert (outcome.points, outcome.balance_after) == (100, 60)
        assert tier_of(session, member_id=member.id, at=at).growth == 60
        assert_books_fit(session, member.id)


class TestOfPointsAlreadySpent:
    @pytest.mark.parametrize(
        ("shortfall", "debt", "balance_after_next"),
        [
            (Shortfall.CLAMP, 0, 100),
            (Shortfall.NEGATIVE, 70, 30),
            (Shortfall.OFFSET_NEXT_EARN, 70, 30),
        ],
    )
    def test_follows_the_policy(
        self, session: Session, shortfall: Shortfall, debt: int, balance_after_next: int
    ) -> None:
        save_policy(session, CheckoutPolicy(shortfall=shortfall))
        make_rule(session)
        member = make_member(session)
        purchase = make_purchase(member.id)
        buy(session, purchase)
        spend(session, member.id, 70)

        refunded = give_back(session, make_refund(purchase.order_number))

        assert (refunded.points_taken_back, refunded.debt) == (100, debt)
        assert buy(session, make_purchase(member.id)).balance_after == balance_after_next
        assert_books_fit(session, member.id)

    def test_of_somebody_merged_since_is_borne_by_the_survivor(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, growth=PerAmount(1, 100)))
        survivor, other = make_member(session), make_member(session)
        earn(session, survivor.id, 30)
        purchase = make_purchase(other.id)
        buy(session, purchase)
        spend(session, other.id, 40)
        merge(session, survivor_id=survivor.id, other_id=other.id, actor=Actor("system:tests"), at=at)
        assert balance_of(session, survivor.id) == 90

        refunded = give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 5_000)))

        assert refunded.points_taken_back == 50
        assert balance_of(session, survivor.id) - debt_of(session, survivor.id) == 40
        assert (balance_of(session, other.id), debt_of(session, other.id)) == (0, 0)
        assert tier_of(session, member_id=survivor.id, at=at).growth == 50
        give_back(session, make_refund(purchase.order_number, RefundLine(1, 1, 5_000)))
        assert balance_of(session, survivor.id) - debt_of(session, survivor.id) == -10
        for member in (survivor, other):
            assert_books_fit(session, member.id)

    def test_of_somebody_merged_since_makes_room_under_the_survivors_cap(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, caps=Caps(member_day=150, member_total=150)))
        survivor, other = make_member(session), make_member(session)
        purchases = [make_purchase(member.id) for member in (survivor, other)]
        for purchase in purchases:
            assert buy(session, purchase).points == 100
        merge(session, survivor_id=survivor.id, other_id=other.id, actor=Actor("system:tests"), at=at)
        assert buy(session, make_purchase(survivor.id)).points == 0

        give_back(session, make_refund(purchases[1].order_number))

        assert buy(session, make_purchase(survivor.id)).points == 50
        give_back(session, make_refund(purchases[0].order_number))
        assert used(session) == 2 * 50


def test_a_policy_that_accepts_points_leaves_refunds_of_money_alone(session: Session) -> None:
    save_policy(session, ACCEPTING)
    make_rule(session)
    purchase = make_purchase(make_member(session).id)
    buy(session, purchase)

    assert give_back(session, make_refund(purchase.order_number)).points_returned == 0
