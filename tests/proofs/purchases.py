"""Purchases, refunds and changes of the rules, as steps of a life."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loyalty.earning.service.rules import publish, save_draft
from loyalty.kernel.clock import business_date, end_of
from loyalty.orders.rules import RefundLine
from tests.factories.checkout import SHANGHAI, buy, give_back
from tests.factories.earning import ACTOR
from tests.factories.orders import line, make_purchase, make_refund
from tests.proofs.acts import Bought
from tests.proofs.life import Life
from tests.proofs.machine import pick, picks
from tests.proofs.oracle_orders import OracleOrder, OracleRules
from tests.proofs.programme import BASE_LIVES, GIFT_LIVES, definitions_of, rules_of

amounts = st.integers(0, 30_000)
shares_of_lines = st.lists(st.integers(0, 100), min_size=3, max_size=3)


class Buying(Life):
    @rule(lines=st.lists(amounts, min_size=1, max_size=3))
    def buys(self, lines: list[int]) -> None:
        self.buy(lines, self.at)

    @rule(amount=amounts)
    def buys_one_thing(self, amount: int) -> None:
        self.buy([amount], self.at)

    @rule(amount=amounts, days=st.sampled_from([1, 5, 30]))
    def reports_late(self, amount: int, days: int) -> None:
        self.buy([amount], self.at - timedelta(days=days))

    def buy(self, lines: list[int], paid_at: datetime) -> None:
        rules = next(known for since, known in reversed(self.known_rules) if since <= paid_at)
        order = OracleOrder(rules, business_date(paid_at, SHANGHAI).isoformat(), lines)
        self.limits.reserve(order)
        for name, lives in (("base", BASE_LIVES), ("gift", GIFT_LIVES)):
            if order.stands[name]:
                expires_at = end_of(business_date(paid_at, SHANGHAI) + timedelta(days=lives), SHANGHAI)
                order.entries[name] = self.buyer.account.earn(order.stands[name], paid_at, expires_at)
        order.growth = sum(lines) // 100
        self.growth += order.growth

        purchase = make_purchase(
            self.buyer.id, *(line(n, amount_fen=fen) for n, fen in enumerate(lines, start=1)), paid_at=paid_at
        )
        outcome = buy(self.session, purchase, at=self.at)
        assert outcome.points == sum(order.stands.values())
        self.orders.append(Bought(purchase.order_number, order, list(lines)))

    @property
    def returnable(self) -> list[Bought]:
        return [one for one in self.orders if any(one.left)]

    @precondition(lambda self: self.returnable)
    @rule(number=picks, shares=shares_of_lines)
    def refunds(self, number: int, shares: list[int]) -> None:
        """A part of each line, or all that is left when that is nothing."""
        one = pick(self.returnable, number)
        returned = [fen * share // 100 for fen, share in zip(one.left, shares)]  # noqa: B905 - as many as there are lines
        self.refund(one, returned if any(returned) else list(one.left))

    @precondition(lambda self: self.returnable)
    @rule(number=picks)
    def refunds_what_is_left(self, number: int) -> None:
        one = pick(self.returnable, number)
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
                self.buyer.account.take_back(order.entries[name], lost[name], self.at)
        self.limits.give_back(order.day, lost)
        growth = sum(one.left) // 100
        self.growth -= order.growth - growth
        lost_growth, order.growth = order.growth - growth, growth

        lines = [RefundLine(n, 0, fen) for n, fen in enumerate(returned, start=1) if fen]
        outcome = give_back(self.session, make_refund(one.number, *lines, refunded_at=self.at), at=self.at)
        assert (outcome.points_taken_back, outcome.growth_taken_back) == (sum(lost.values()), lost_growth)

    @precondition(lambda self: self.returnable)
    @rule()
    def everything_is_refunded(self) -> None:
        """As if no purchase had ever been made: also while points were spent, since what is missing is owed."""
        for one in self.returnable:
            self.refund(one, list(one.left))
        account = self.buyer.account
        assert self.growth == 0
        assert self.limits.spent == sum(self.limits.by_day.values()) == 0
        assert account.balance - account.debt == self.buyer.beside - account.expired

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
