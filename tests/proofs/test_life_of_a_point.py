"""The life of a point beside a plain-Python oracle: any acts in any order, then all refunded, as if it never happened.

After every step balance, debt, available points, growth, caps and budgets are what the oracle says, and the books of
the member prove themselves (in a small run after every few steps, since a proof reads the whole ledger).
"""

import time
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from loyalty.checkout.rules import CheckoutPolicy
from loyalty.earning.service.rules import publish, save_draft
from loyalty.kernel.clock import business_date, end_of
from loyalty.orders.rules import RefundLine
from loyalty.points import service as points
from loyalty.points.queries import summary
from loyalty.points.rules import InsufficientPoints, Shortfall
from loyalty.tiers.models import MemberTier
from tests.factories.checkout import SHANGHAI, buy, give_back, save_policy
from tests.factories.earning import ACTOR, make_rule
from tests.factories.members import make_member
from tests.factories.orders import AT, line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, earn, spend
from tests.proofs.acts import Bought, Held, Spent
from tests.proofs.oracle import NotEnough, OracleAccount, OracleLimits, OracleOrder, OracleRules
from tests.proofs.programme import BASE_LIVES, BUDGET, GIFT_LIVES, definitions_of, points_used
from tests.support.proof import IS_FULL, size

pytestmark = pytest.mark.proof

EXAMPLES, STEPS = size(reduced=40, full=2_200), size(reduced=50, full=100)
STEPS_AT_LEAST = size(reduced=2_000, full=200_000)
PROVED_EVERY = size(reduced=5, full=1)
LONG_AGO = AT - timedelta(days=400)
MOMENT = timedelta(seconds=1)
amounts = st.integers(0, 30_000)
few_points = st.integers(1, 300)
rules_of = st.builds(
    OracleRules,
    per_yuan=st.integers(1, 3),
    cap=st.sampled_from([50, 100, 250, 10_000]),
    gift=st.integers(1, 150),
    threshold_fen=st.sampled_from([1, 9_999, 20_000]),
)


class LifeOfAPoint(RuleBasedStateMachine):
    bought: Bundle[Bought] = Bundle("bought")
    spent: Bundle[Spent] = Bundle("spent")
    held: Bundle[Held] = Bundle("held")

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.outer = connection.begin_nested()
        self.session = Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        self.numbers, self.steps = count(1), 0
        self.at = AT
        self.account, self.limits, self.growth = OracleAccount(), OracleLimits(BUDGET), 0
        self.orders: list[Bought] = []
        self.holds: list[Held] = []
        self.beside = 0
        """What everything but purchases and expiry came to."""
        self.known_rules: list[tuple[datetime, OracleRules]] = []

    @initialize(rules=rules_of)
    def begin(self, rules: OracleRules) -> None:
        save_policy(self.session, CheckoutPolicy(shortfall=Shortfall.NEGATIVE))
        self.member_id = make_member(self.session).id
        points.open_account(self.session, member_id=self.member_id, at=self.at)
        self.known_rules.append((LONG_AGO, rules))
        self.rule_ids = [make_rule(self.session, each) for each in definitions_of(rules)]

    @rule(target=bought, lines=st.lists(amounts, min_size=1, max_size=3))
    def buys(self, lines: list[int]) -> Bought:
        return self.buy(lines, self.at)

    @rule(target=bought, amount=amounts)
    def buys_one_thing(self, amount: int) -> Bought:
        return self.buy([amount], self.at)

    @rule(target=bought, amount=amounts, days=st.sampled_from([1, 5, 30]))
    def reports_late(self, amount: int, days: int) -> Bought:
        return self.buy([amount], self.at - timedelta(days=days))

    def buy(self, lines: list[int], paid_at: datetime) -> Bought:
        rules = next(known for since, known in reversed(self.known_rules) if since <= paid_at)
        order = OracleOrder(rules, business_date(paid_at, SHANGHAI).isoformat(), lines)
        self.limits.reserve(order)
        for name, lives in (("base", BASE_LIVES), ("gift", GIFT_LIVES)):
            if order.stands[name]:
                expires_at = end_of(business_date(paid_at, SHANGHAI) + timedelta(days=lives), SHANGHAI)
                order.entries[name] = self.account.earn(order.stands[name], paid_at, expires_at)
        order.growth = sum(lines) // 100
        self.growth += order.growth

        purchase = make_purchase(
            self.member_id, *(line(n, amount_fen=fen) for n, fen in enumerate(lines, start=1)), paid_at=paid_at
        )
        outcome = buy(self.session, purchase, at=self.at)
        assert outcome.points == sum(order.stands.values())
        self.orders.append(Bought(purchase.order_number, order))
        return self.orders[-1]

    @rule(one=bought, shares=st.lists(st.integers(0, 100), min_size=3, max_size=3))
    def refunds(self, one: Bought, shares: list[int]) -> None:
        returned = [fen * share // 100 for fen, share in zip(one.left, shares)]  # noqa: B905 - as many as there are lines
        assume(any(returned))
        self.refund(one, returned)

    @rule(one=bought)
    def refunds_what_is_left(self, one: Bought) -> None:
        assume(any(one.left))
        self.refund(one, list(one.left))

    def refund(self, one: Bought, returned: list[int]) -> None:
        one.left = [fen - back for fen, back in zip(one.left, returned, strict=True)]
        order = one.order
        due = order.due(one.left)
        lost = {name: order.stands[name] - min(order.stands[name], due[name]) for name in due}
        order.stands = {name: order.stands[name] - lost[name] for name in lost}
        self.settle_holds()
        for name in ("base", "gift"):
            if lost[name]:
                self.account.take_back(order.entries[name], lost[name], self.at)
        self.limits.give_back(order.day, lost)
        growth = sum(one.left) // 100
        self.growth -= order.growth - growth
        lost_growth, order.growth = order.growth - growth, growth

        lines = [RefundLine(n, 0, fen) for n, fen in enumerate(returned, start=1) if fen]
        outcome = give_back(self.session, make_refund(one.number, *lines, refunded_at=self.at), at=self.at)
        assert (outcome.points_taken_back, outcome.growth_taken_back) == (sum(lost.values()), lost_growth)

    @rule(given=few_points, lives=st.sampled_from([None, 3, 40]))
    def earns_otherwise(self, given: int, lives: int | None) -> None:
        expires_at = None if lives is None else self.at + timedelta(days=lives)
        self.account.earn(given, self.at, expires_at)
        self.beside += given
        earn(self.session, self.member_id, given, at=self.at, expires_at=expires_at)

    @rule(target=spent, wanted=few_points)
    def spends(self, wanted: int) -> Any:
        self.settle_holds()
        try:
            draws = self.account.choose(wanted, self.at)
        except NotEnough:
            with pytest.raises(InsufficientPoints):
                spend(self.session, self.member_id, wanted, at=self.at)
            return multiple()
        self.account.draw(draws)
        self.beside -= wanted
        return Spent(spend(self.session, self.member_id, wanted, at=self.at).entry_id, wanted, draws)

    @rule(one=spent, share=st.integers(1, 100))
    def undoes_a_spend(self, one: Spent, share: int) -> None:
        back = one.left * share // 100
        assume(back)
        self.settle_holds()
        on = business_date(self.at, SHANGHAI)
        one.draws = self.account.give_back(
            one.draws,
            back,
            self.at,
            returned_until=end_of(on + timedelta(days=7), SHANGHAI),
            untold_until=end_of(on + timedelta(days=30), SHANGHAI),
        )
        one.left -= back
        self.beside += back
        points.reverse(
            self.session,
            member_id=self.member_id,
            entry_id=one.entry_id,
            reference=f"undo:{next(self.numbers)}",
            at=self.at,
            zone=SHANGHAI,
            points=back,
        )

    @rule(target=held, wanted=few_points, minutes=st.sampled_from([10, 10_000]))
    def holds_points(self, wanted: int, minutes: int) -> Any:
        self.settle_holds()
        reference, expires_at = f"hold:{next(self.numbers)}", self.at + timedelta(minutes=minutes)

        def place() -> None:
            points.place(
                self.session, member_id=self.member_id, points=wanted, reference=reference, expires_at=expires_at,
                at=self.at,
            )  # fmt: skip

        try:
            draws = self.account.choose(wanted, self.at)
        except NotEnough:
            with pytest.raises(InsufficientPoints):
                place()
            return multiple()
        place()
        self.account.bind(draws)
        self.holds.append(Held(reference, expires_at, wanted, draws))
        return self.holds[-1]

    @rule(one=consumes(held), share=st.integers(0, 100))
    def captures_or_releases(self, one: Held, share: int) -> None:
        self.settle_holds()
        assume(one.is_open)
        one.is_open = False
        self.account.bind(one.draws, sign=-1)
        taken = one.points * share // 100
        if not taken:
            points.release(self.session, member_id=self.member_id, reference=one.reference, at=self.at)
            return
        self.account.draw(self.account.first(one.draws, taken))
        self.beside -= taken
        points.capture(
            self.session, member_id=self.member_id, reference=one.reference, points=taken,
            explanation={"rule": "points_as_money"}, occurred_at=self.at, at=self.at,
        )  # fmt: skip

    @precondition(lambda self: len(self.orders) >= 2 * len(self.known_rules))
    @rule(rules=rules_of)
    def headquarters_changes_its_mind(self, rules: OracleRules) -> None:
        for rule_id, definition in zip(self.rule_ids, definitions_of(rules), strict=True):
            save_draft(
                self.session, rule_id=rule_id, name="新规则", definition=definition, starts_at=None, ends_at=None,
                actor=ACTOR, at=self.at,
            )  # fmt: skip
            publish(self.session, rule_id=rule_id, actor=ACTOR, at=self.at)
        self.known_rules.append((self.at, rules))

    @rule(days=st.sampled_from([0.01, 0.5, 1, 4, 25]))
    def time_goes_by(self, days: float) -> None:
        self.at += timedelta(days=days)

    @rule()
    def what_has_ended_is_booked_out(self) -> None:
        """As the nightly job does, late or in time."""
        self.settle_holds()
        untold_until = end_of(business_date(self.at, SHANGHAI) + timedelta(days=30), SHANGHAI)
        self.account.expire(self.at, untold_until)
        points.expire_lots(
            self.session, run=f"night:{next(self.numbers)}", after_member_id=self.member_id - 1, at=self.at,
            zone=SHANGHAI, limit=1,
        )  # fmt: skip

    @precondition(lambda self: self.orders)
    @rule()
    def everything_is_refunded(self) -> None:
        """As if no purchase had ever been made: also while points were spent, since what is missing is owed."""
        for one in self.orders:
            if any(one.left):
                self.refund(one, list(one.left))
        assert self.growth == 0
        assert self.limits.spent == sum(self.limits.by_day.values()) == 0
        assert self.account.balance - self.account.debt == self.beside - self.account.expired

    @invariant()
    def agrees_with_the_oracle(self) -> None:
        self.at += MOMENT
        self.steps += 1
        if self.steps == 1:
            return
        seen = summary(self.session, member_id=self.member_id, at=self.at)
        self.settle_holds()
        expected = (self.account.balance, self.account.debt, self.account.available(self.at))
        assert (seen.balance, seen.debt, seen.available) == expected
        growth = self.session.scalar(select(MemberTier.growth).where(MemberTier.member_id == self.member_id))
        assert (growth or 0) == self.growth
        assert points_used(self.session, self.rule_ids) == [sum(self.limits.by_day.values()), self.limits.spent]
        if self.steps % PROVED_EVERY == 0:
            assert_books_fit(self.session, self.member_id)

    def settle_holds(self) -> None:
        """Holds whose time ran out bind nothing any more."""
        for one in self.holds:
            if one.is_open and one.expires_at <= self.at:
                one.is_open = False
                self.account.bind(one.draws, sign=-1)

    def teardown(self) -> None:
        self.session.close()
        self.outer.rollback()


def test_agrees_with_the_oracle_after_every_step(connection: Connection) -> None:
    began, steps = time.perf_counter(), 0

    class Counted(LifeOfAPoint):
        def teardown(self) -> None:
            nonlocal steps
            steps += self.steps
            super().teardown()

    run_state_machine_as_test(
        lambda: Counted(connection),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not IS_FULL,  # the long proof looks for new lives, every other run repeats the same ones
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[Phase.generate],  # to shrink a failure against a database takes longer than to read it
        ),
    )
    print(f"\n{steps} steps in {time.perf_counter() - began:.1f} s")
    assert steps >= STEPS_AT_LEAST
