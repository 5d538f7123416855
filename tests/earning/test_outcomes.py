"""What a rule came to: counted for whoever runs it, by reason and in numbers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.earning.outcomes import Capped, Outcomes, budget_uses, count_outcomes
from loyalty.earning.rules import Caps, Conditions, EarningEvent
from loyalty.earning.rules.definition import Budgets
from loyalty.earning.rules.matching import MissReason
from loyalty.stores.models import Store
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.checkout import buy
from tests.factories.earning import BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase
from tests.factories.stores import make_store

BUDGETS = Budgets(rule_month_budget=400, rule_budget=5_000, store_budget=150)
DAY = timedelta(days=1)


@pytest.fixture
def stores(session: Session) -> Sequence[Store]:
    return [make_store(session), make_store(session)]


@pytest.fixture
def rule_id(session: Session, stores: Sequence[Store]) -> int:
    """A rule for 50 yuan and more: paid three times, twice of them cut by limits, missed once, in two stores."""
    conditions = Conditions(minimum_amount_fen=5_000)
    rule_id = make_rule(session, replace(BASE, conditions=conditions, caps=Caps(member_day=180), budgets=BUDGETS))
    make_rule(session)
    member_id = make_member(session).id
    for store_id, amount_fen in ((stores[0].id, 10_000), (stores[0].id, 10_000), (stores[1].id, 10_000)):
        buy(session, make_purchase(member_id, line(amount_fen=amount_fen), store_id=store_id))
    buy(session, make_purchase(make_member(session).id, line(amount_fen=4_000), store_id=stores[0].id))
    return rule_id


def counted(session: Session, rule_id: int, at: datetime, scope: StoreScope = EVERYTHING) -> Outcomes:
    return count_outcomes(
        session, rule_id=rule_id, event=EarningEvent.PURCHASE, scope=scope, since=at - DAY, until=at + DAY
    )


def test_names_every_limit_that_was_hit_and_every_reason_for_paying_nothing(
    session: Session, rule_id: int, at: datetime
) -> None:
    found = counted(session, rule_id, at)

    assert (found.times_paid, found.points) == (3, 180)
    assert sorted(found.capped, key=lambda one: one.limit) == [
        Capped("member_day", 1, 70),
        Capped("store_budget", 1, 50),
    ]
    assert found.misses == {MissReason.AMOUNT: 1}


def test_counts_only_the_days_asked_for_and_the_stores_of_the_scope(
    session: Session, rule_id: int, stores: Sequence[Store], at: datetime
) -> None:
    second = StoreScope(is_chain_wide=False, store_ids=frozenset({stores[1].id}))

    assert counted(session, rule_id, at, second).points == 30
    assert counted(session, rule_id, at + 2 * DAY).times_paid == 0


def test_tells_how_much_of_each_budget_is_used(
    session: Session, rule_id: int, stores: Sequence[Store], at: datetime
) -> None:
    store_ids = [store.id for store in stores]

    uses = budget_uses(session, rule_id=rule_id, budgets=BUDGETS, on=at.date(), store_ids=store_ids)

    assert [(use.limit.name, use.used, use.store_id) for use in uses] == [
        ("rule_month_budget", 180, None),
        ("rule_budget", 180, None),
        ("store_budget", 150, store_ids[0]),
        ("store_budget", 30, store_ids[1]),
    ]
