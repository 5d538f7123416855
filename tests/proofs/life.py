"""A life in the proof: its clock, its people, and what must be true after every step."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import Engine

from loyalty.checkout.rules import CheckoutPolicy
from loyalty.kernel.clock import business_date, end_of
from loyalty.merging.service import merge
from loyalty.points import service as points
from loyalty.points.queries import summary
from loyalty.points.rules import Shortfall
from tests.factories.checkout import SHANGHAI, save_policy
from tests.factories.earning import ACTOR, make_rule
from tests.factories.members import make_member
from tests.factories.orders import AT
from tests.proofs.acts import Bought, Held, Person
from tests.proofs.machine import MOMENT, Machine
from tests.proofs.oracle import Draws
from tests.proofs.oracle_orders import OracleLimits, OracleRules
from tests.proofs.programme import BUDGET, definitions_of, growth_and_points_used, rules_of
from tests.support.settings import SEAL_KEY

LONG_AGO = AT - timedelta(days=400)
RETURNED_LIVES, UNTOLD_LIVES = 7, 30
"""Days that points live on: those that return to an expired lot, and those of whose end nobody was told."""


class Life(Machine):
    """Two members, of whom one buys; the other turns out to be the same person in the end, or never does."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.people: list[Person] = []
        self.limits, self.growth = OracleLimits(BUDGET), 0
        self.orders: list[Bought] = []
        self.holds: list[Held] = []
        self.known_rules: list[tuple[datetime, OracleRules]] = []
        self.rule_ids: list[int] = []

    @initialize(rules=rules_of)
    def begin(self, rules: OracleRules) -> None:
        save_policy(self.session, CheckoutPolicy(shortfall=Shortfall.NEGATIVE))
        for _ in range(2):
            member = make_member(self.session)
            points.open_account(self.session, member_id=member.id, at=self.at)
            self.people.append(Person(member.id, member.number))
        self.known_rules.append((LONG_AGO, rules))
        self.rule_ids = [make_rule(self.session, each) for each in definitions_of(rules)]

    @property
    def buyer(self) -> Person:
        return self.people[0]

    @property
    def living(self) -> list[Person]:
        return [person for person in self.people if person.survivor is None]

    @rule(days=st.sampled_from([0.01, 0.5, 1, 4, 25]))
    def time_goes_by(self, days: float) -> None:
        self.at += timedelta(days=days)

    @rule()
    def what_has_ended_is_booked_out(self) -> None:
        """As the nightly job does, late or in time."""
        self.settle_holds()
        for person in self.living:
            person.account.expire(self.at, self.end_after(UNTOLD_LIVES))
        points.expire_lots(
            self.session, run=f"night:{next(self.numbers)}", after_member_id=self.buyer.id - 1, at=self.at,
            zone=SHANGHAI, limit=len(self.people),
        )  # fmt: skip

    @precondition(lambda self: len(self.living) > 1 and self.steps > 10)
    @rule()
    def both_turn_out_to_be_one_person(self) -> None:
        self.settle_holds()
        survivor, other = self.people
        for one in self.holds:
            if one.is_open and one.person is other:
                self.close(one)
        other.survivor = survivor
        self.follow_merge(other)
        merge(self.session, survivor_id=survivor.id, other_id=other.id, actor=ACTOR, at=self.at)

    @invariant()
    def agrees_with_the_oracle(self) -> None:
        self.at += MOMENT
        self.steps += 1
        if not self.people:
            return
        self.settle_holds()
        for person in self.people:
            seen = summary(self.session, member_id=person.id, at=self.at)
            expected = (person.account.balance, person.account.debt, person.account.available(self.at))
            assert (seen.balance, seen.debt, seen.available) == expected
        seen_besides = growth_and_points_used(self.session, self.buyer.id, self.rule_ids)
        assert seen_besides == (self.growth, sum(self.limits.by_day.values()), self.limits.spent)

    @invariant()
    def the_books_prove_themselves(self) -> None:
        """All of them: nobody else's are in the database."""
        self.session.flush()
        proof = points.verify(self.session, seal_key=SEAL_KEY, at=self.at)
        assert proof.discrepancies == []
        assert proof.accounts_count == len(self.people)

    def settle_holds(self) -> None:
        """Holds whose time ran out bind nothing any more."""
        for one in self.holds:
            if one.is_open and one.expires_at <= self.at:
                self.close(one)

    def close(self, one: Held) -> None:
        one.is_open = False
        one.person.account.bind(one.draws, sign=-1)

    def give_back(self, person: Person, draws: Draws, back: int) -> Draws:
        """What a debit took returns; return what of it is still drawn."""
        person.beside += back
        return person.account.give_back(
            draws,
            back,
            self.at,
            returned_until=self.end_after(RETURNED_LIVES),
            untold_until=self.end_after(UNTOLD_LIVES),
        )

    def follow_merge(self, person: Person) -> None:
        """What is left of one who was merged is the survivor's."""
        if person.survivor:
            person.survivor.beside += person.account.balance - person.account.debt
            person.account.move_to(person.survivor.account)

    def end_after(self, days: int) -> datetime:
        return end_of(business_date(self.at, SHANGHAI) + timedelta(days=days), SHANGHAI)
