"""Purchases and refunds under fire: each counts once, budgets hold, and all that is undone leaves no trace.

Rules are made for a store of the test's own, since other tests share the database.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.checkout.rules import CheckoutPolicy
from loyalty.checkout.service import PurchaseOutcome, RefundOutcome, hold_points
from loyalty.earning.rules import Conditions, Definition, Fixed, PerAmount
from loyalty.earning.rules.definition import Budgets
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.limits.models import LimitCounter
from loyalty.orders.rules import Purchase, RefundExceedsOrder, RefundLine, RefundReport
from loyalty.points.rules import InsufficientPoints
from loyalty.tiers.queries import tier_of
from tests.factories.checkout import buy, give_back, save_policy
from tests.factories.earning import BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import AT, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.factories.stores import make_store
from tests.support.races import at_once, beside


def only_in(store_id: int, **changes: object) -> Definition:
    """The base rule, with growth, in one store."""
    conditions = Conditions(included_nodes=frozenset({store_id}))
    return replace(BASE, growth=PerAmount(1, 100), conditions=conditions, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store_id(committed_database: Database) -> int:
    return run(committed_database, lambda session: make_store(session).id)


def new_member(database: Database, points: int = 0) -> int:
    def make(session: Session) -> int:
        member = make_member(session)
        if points:
            earn(session, member.id, points)
        return member.id

    return run(database, make)


def buying(database: Database, purchase: Purchase, hold: str | None = None) -> Callable[[], PurchaseOutcome]:
    return lambda: run(database, lambda session: buy(session, purchase, hold_reference=hold))


def returning(database: Database, refund: RefundReport) -> Callable[[], RefundOutcome]:
    return lambda: run(database, lambda session: give_back(session, refund))


def balance(database: Database, member_id: int) -> int:
    run(database, lambda session: assert_books_fit(session, member_id))
    return run(database, lambda session: balance_of(session, member_id))


def growth(database: Database, member_id: int) -> int:
    return run(database, lambda session: tier_of(session, member_id=member_id, at=AT)).growth


class TestPurchase:
    def test_of_one_number_ten_times_at_once_earns_once(self, committed_database: Database, store_id: int) -> None:
        run(committed_database, lambda session: make_rule(session, only_in(store_id)))
        purchase = make_purchase(new_member(committed_database), store_id=store_id)

        outcomes = at_once([buying(committed_database, purchase)] * 10)

        assert [outcome.is_replay for outcome in outcomes].count(False) == 1  # type: ignore[union-attr]
        assert {outcome.points for outcome in outcomes} == {100}  # type: ignore[union-attr]
        assert balance(committed_database, purchase.member_id) == 100
        assert growth(committed_database, purchase.member_id) == 100

    def test_two_first_purchases_at_once_are_not_both_the_first(
        self, committed_database: Database, store_id: int
    ) -> None:
        conditions = Conditions(included_nodes=frozenset({store_id}), is_first_purchase=True)
        gift = replace(BASE, points=Fixed(200), conditions=conditions)
        run(committed_database, lambda session: make_rule(session, gift))
        member_id = new_member(committed_database)

        at_once([buying(committed_database, make_purchase(member_id, store_id=store_id)) for _ in range(5)])

        assert balance(committed_database, member_id) == 200

    def test_of_many_members_never_exceeds_a_budget_and_refunds_beside_them_give_it_back(
        self, committed_database: Database, store_id: int
    ) -> None:
        rule_id = run(
            committed_database,
            lambda session: make_rule(session, only_in(store_id, budgets=Budgets(rule_budget=750, store_budget=700))),
        )
        owners = [new_member(committed_database) for _ in range(8)]
        purchases = [make_purchase(owner, store_id=store_id) for owner in owners * 2]
        at_once([buying(committed_database, each) for each in purchases])
        assert sum(balance(committed_database, owner) for owner in owners) == 700

        more = [make_purchase(owner, store_id=store_id) for owner in owners]
        results = at_once(
            [returning(committed_database, make_refund(each.order_number)) for each in purchases[:8]]
            + [buying(committed_database, each) for each in more]  # type: ignore[operator]
        )

        assert not [each for each in results if isinstance(each, LoyaltyError)]
        paid = sum(balance(committed_database, owner) for owner in owners)
        assert paid <= 700
        assert run(committed_database, lambda session: _used(session, rule_id, f"store:{store_id}")) == paid
        at_once([returning(committed_database, make_refund(each.order_number)) for each in [*purchases[8:], *more]])
        assert {balance(committed_database, owner) for owner in owners} == {0}
        assert run(committed_database, lambda session: _used(session, rule_id, None)) == 0


class TestRefund:
    def test_two_of_one_order_at_once_take_back_each_its_part(
        self, committed_database: Database, store_id: int
    ) -> None:
        run(committed_database, lambda session: make_rule(session, only_in(store_id)))
        purchase = make_purchase(new_member(committed_database), store_id=store_id)
        buying(committed_database, purchase)()

        halves = [make_refund(purchase.order_number, RefundLine(1, 0, 5_000)) for _ in range(2)]
        results = at_once([returning(committed_database, each) for each in halves * 4])

        assert {each.points_taken_back for each in results} == {50}  # type: ignore[union-attr]
        assert balance(committed_database, purchase.member_id) == 0
        assert growth(committed_database, purchase.member_id) == 0

    def test_while_another_of_the_order_is_under_way_takes_back_what_that_leaves(
        self, committed_database: Database, store_id: int
    ) -> None:
        run(committed_database, lambda session: make_rule(session, only_in(store_id)))
        purchase = make_purchase(new_member(committed_database), store_id=store_id)
        buying(committed_database, purchase)()
        part, rest = (make_refund(purchase.order_number, RefundLine(1, 0, fen)) for fen in (3_050, 6_950))

        outcome = beside(
            committed_database, lambda session: give_back(session, part), lambda session: give_back(session, rest)
        )

        assert outcome.points_taken_back == 69  # of 100, of which the part left 69
        assert balance(committed_database, purchase.member_id) == 0
        assert growth(committed_database, purchase.member_id) == 0

    def test_never_returns_more_than_the_order(self, committed_database: Database, store_id: int) -> None:
        run(committed_database, lambda session: make_rule(session, only_in(store_id)))
        purchase = make_purchase(new_member(committed_database), store_id=store_id)
        buying(committed_database, purchase)()

        results = at_once(
            [
                returning(committed_database, make_refund(purchase.order_number, RefundLine(1, 0, 4_000)))
                for _ in range(6)
            ]
        )

        assert [isinstance(each, RefundExceedsOrder) for each in results].count(False) == 2
        assert balance(committed_database, purchase.member_id) == 20

    def test_beside_its_purchase_is_the_same_as_after_it(self, committed_database: Database, store_id: int) -> None:
        run(committed_database, lambda session: make_rule(session, only_in(store_id)))
        for _ in range(4):
            purchase = make_purchase(new_member(committed_database), store_id=store_id)
            refund = make_refund(purchase.order_number, RefundLine(1, 0, 4_000))

            results = at_once(
                [buying(committed_database, purchase), returning(committed_database, refund)] * 2  # type: ignore[list-item]
            )

            assert not [each for each in results if isinstance(each, LoyaltyError)]
            assert balance(committed_database, purchase.member_id) == 60
            assert growth(committed_database, purchase.member_id) == 60


class TestPointsAsMoney:
    def test_of_one_hold_pay_for_one_order(self, committed_database: Database) -> None:
        run(committed_database, lambda session: save_policy(session, CheckoutPolicy(is_accepting_points=True)))
        member_id = new_member(committed_database, 1_000)

        def hold() -> object:
            return run(
                committed_database,
                lambda session: hold_points(
                    session, member_id=member_id, points=800, amount_fen=10_000, reference="till", at=AT
                ),
            )

        held = at_once([hold] * 5)
        assert not [each for each in held if isinstance(each, InsufficientPoints)]
        results = at_once([buying(committed_database, make_purchase(member_id), hold="till") for _ in range(4)])

        assert [isinstance(each, LoyaltyError) for each in results].count(False) == 1
        assert balance(committed_database, member_id) == 200


def _used(session: Session, rule_id: int, entity: str | None) -> int:
    query = select(LimitCounter.used).where(LimitCounter.subject == f"earning_rule:{rule_id}")
    return sum(session.scalars(query if entity is None else query.where(LimitCounter.entity == entity)))
