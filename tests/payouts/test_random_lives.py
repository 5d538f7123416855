"""Random lives of payouts, with faults, deaths, doubled and late notices, against the platform's own book."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.payouts import find_pause, list_due
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service import deciding, pausing
from loyalty.payouts.service.sending import Sender, begin, call, drive, finish
from loyalty.payouts.verification import verify
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import assert_money_fits, figures
from tests.factories.pay_bank import ENDED, Bank, Fault
from tests.factories.payouts import STAFF, Earner, ask, deliver, make_earner, payout_of
from tests.payouts.books import assert_no_create_without_a_query_between
from tests.support import proof
from tests.support.containers import StandingClock
from tests.support.settings import VAULT

pytestmark = pytest.mark.proof

LIVES = proof.size(reduced=40, full=2_000)
"""Each of five payouts."""
LIVES_AT_A_TIME = 40
ACTS = 30


@dataclass
class Life:
    """Some payouts of one member, and all that can happen to them."""

    session: Session
    sender: Sender
    bank: Bank
    clock: StandingClock
    earner: Earner
    dice: random.Random
    payouts: list[int] = field(default_factory=list)
    sleepers: list[Callable[[], object]] = field(default_factory=list)

    def act(self) -> None:
        """Let one thing happen."""
        acts = [self.work, self.work, self.work, self.die, self.confirm, self.fail, self.notify, self.wait, self.cancel]
        self.dice.choice([*acts, self.wake_up, self.top_up, self.decide])()

    def ask(self) -> None:
        self.payouts.append(ask(self.session, self.earner, self.dice.randint(100, 60_000), at=self.clock.now()).id)

    def work(self) -> None:
        self.bank.faults.append(self.dice.choice([None, None, None, *Fault]))
        drive(self.sender, payout_id=self.dice.choice(self.payouts))
        self.bank.faults.clear()

    def die(self) -> None:
        """A worker dies before its call, after it, or only sleeps and wakes up much later."""
        at, payout_id = self.clock.now(), self.dice.choice(self.payouts)
        begun = run(self.sender.database, lambda session: begin(session, vault=VAULT, payout_id=payout_id, at=at))
        if begun is None or self.dice.random() < 0.3:
            return
        self.bank.faults.append(self.dice.choice([None, None, Fault.DROP_AFTER, Fault.REFUSED, Fault.NOT_ENOUGH]))
        answer = call(self.bank, begun, at=at)
        self.bank.faults.clear()
        if answer is not None and self.dice.random() < 0.6:
            database = self.sender.database
            self.sleepers.append(
                lambda: run(
                    database,
                    lambda session: finish(session, begun=begun, answer=answer, zone=SHANGHAI, at=self.clock.now()),
                )
            )

    def wake_up(self) -> None:
        if self.sleepers:
            self.sleepers.pop(self.dice.randrange(len(self.sleepers)))()

    def confirm(self) -> None:
        self._end(TransferState.SUCCESS, None)

    def fail(self) -> None:
        self._end(TransferState.FAIL, self.dice.choice(["OVERDUE_CLOSE", "ACCOUNT_FROZEN"]))

    def notify(self) -> None:
        if self.bank.notices:
            deliver(self.session, self.dice.choice(self.bank.notices), at=self.clock.now())

    def wait(self) -> None:
        self.clock.advance(minutes=self.dice.choice([1, 3, 20, 60, 180]))

    def cancel(self) -> None:
        payout_id, at = self.dice.choice(self.payouts), self.clock.now()
        try:
            deciding.cancel(self.session, payout_id=payout_id, zone=SHANGHAI, actor=STAFF, at=at)
        except LoyaltyError:
            assert payout_of(self.session, payout_id).state not in (PayoutState.NEW, PayoutState.WAITING_CONFIRM)

    def decide(self) -> None:
        self._decide(self.dice.choice(self.payouts))

    def top_up(self) -> None:
        if find_pause(self.session) is not None:
            pausing.resume(self.session, actor=STAFF, at=self.clock.now())

    def end_all(self) -> None:
        """Let everything come to its end: the users confirm, the workers live, the callbacks arrive."""
        for payout_id in self.payouts:
            self._decide(payout_id)
        for _ in range(8):
            self.top_up()
            self.clock.advance(hours=13)
            for number in list(self.bank.bills):
                self._end_bill(number, TransferState.SUCCESS, None)
            for payout_id in list_due(self.session, at=self.clock.now(), limit=100):
                drive(self.sender, payout_id=payout_id)
        while self.sleepers:
            self.wake_up()
        for notice in self.bank.notices:
            deliver(self.session, notice, at=self.clock.now())

    def _decide(self, payout_id: int) -> None:
        if payout_of(self.session, payout_id).state is PayoutState.AWAITING_APPROVAL:
            is_approved, at = self.dice.random() < 0.7, self.clock.now()
            deciding.decide(
                self.session, payout_id=payout_id, is_approved=is_approved, zone=SHANGHAI, actor=STAFF, at=at
            )

    def _end(self, state: TransferState, reason: str | None) -> None:
        open_bills = [number for number, bill in self.bank.bills.items() if bill.state not in ENDED]
        if open_bills:
            self._end_bill(self.dice.choice(open_bills), state, reason)

    def _end_bill(self, number: str, state: TransferState, reason: str | None) -> None:
        is_cancelling = self.bank.bills[number].state is TransferState.CANCELING
        self.bank.end(number, TransferState.CANCELLED if is_cancelling else state, reason)


def assert_difference_is_zero(life: Life, began_with: int) -> None:
    views = [payout_of(life.session, payout_id) for payout_id in life.payouts]
    assert {view.state for view in views} <= {PayoutState.SUCCESS, PayoutState.RETURNED}
    paid = {view.out_bill_no: view.net_fen for view in views if view.state is PayoutState.SUCCESS}
    book = {
        number: bill.order.amount_fen for number, bill in life.bank.bills.items() if bill.state is TransferState.SUCCESS
    }
    assert paid == book
    assert life.bank.wallets[life.earner.openid] == sum(book.values())
    assert figures(life.session, life.earner.id) == (0, began_with - sum(paid.values()), 0)
    assert [view.contradiction for view in views if view.contradiction] == []
    assert life.bank.alarms == []
    assert_money_fits(life.session, life.earner.id)
    assert verify(life.session, member_id=life.earner.id) == []
    for payout_id in life.payouts:
        assert_no_create_without_a_query_between(life.session, payout_id)


@pytest.mark.parametrize("first", range(0, LIVES, LIVES_AT_A_TIME))
def test_the_difference_between_the_two_books_is_zero(
    session: Session, sender: Sender, clock: StandingClock, first: int
) -> None:
    for seed in range(first, first + LIVES_AT_A_TIME):
        bank = Bank()
        life = Life(
            session,
            Sender(sender.database, bank, VAULT, SHANGHAI, clock.now),
            bank,
            clock,
            make_earner(session, available_fen=300_000),
            random.Random(seed),
        )
        for _ in range(5):
            life.ask()
        for _ in range(ACTS):
            life.act()
        life.end_all()

        assert_difference_is_zero(life, 300_000)
