"""Bringing a payout somewhere, and comparing our books with the platform's."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferAnswer, TransferState
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service import deciding
from loyalty.payouts.service.sending import Begun, Sender, begin, call, drive, finish, step
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import assert_money_fits, figures
from tests.factories.pay_bank import Bank, Fault
from tests.factories.payouts import STAFF, Earner, deliver, make_due, moves_of, payout_of
from tests.support.containers import StandingClock
from tests.support.settings import VAULT


@dataclass(frozen=True)
class Course:
    """One payout on its way, and both ends of it: ours and the platform's."""

    session: Session
    sender: Sender
    bank: Bank
    clock: StandingClock
    earner: Earner
    payout_id: int

    @property
    def payout(self) -> PayoutView:
        return payout_of(self.session, self.payout_id)

    @property
    def number(self) -> str:
        return self.payout.out_bill_no

    def drive(self) -> int:
        """Let a worker take what is due."""
        return drive(self.sender, payout_id=self.payout_id)

    def step(self) -> bool:
        return step(self.sender, payout_id=self.payout_id)

    def begin(self) -> Begun:
        begun = begin(self.session, vault=VAULT, payout_id=self.payout_id, at=self.clock.now())
        assert begun is not None
        return begun

    def call(self, begun: Begun) -> TransferAnswer:
        answer = call(self.bank, begun, at=self.clock.now())
        assert answer is not None
        return answer

    def finish(self, begun: Begun, answer: TransferAnswer) -> None:
        finish(self.session, begun=begun, answer=answer, zone=SHANGHAI, at=self.clock.now())

    def deliver(self, **changes: Any) -> None:
        """Let the callback of its end arrive, as it is or with something else in it."""
        deliver(self.session, self.bank.notices[0], **changes)

    def cancel(self) -> None:
        deciding.cancel(self.session, payout_id=self.payout_id, zone=SHANGHAI, actor=STAFF, at=self.clock.now())

    def make_due(self) -> None:
        make_due(self.session, self.payout_id, self.clock.now())

    def come_to(self, state: PayoutState) -> None:
        """Bring it into a state by what really brings it there."""
        if state is PayoutState.NEW:
            return
        if state is PayoutState.UNKNOWN:
            self.bank.faults.append(Fault.DROP_AFTER)
        self.step()
        if state is PayoutState.TRANSFERRING:
            self.bank.bills[self.number].state = TransferState.TRANSFERING
        if state is PayoutState.CANCELLING:
            self.bank.bills[self.number].state = TransferState.CANCELING
        if state is PayoutState.ACCEPTED:
            accepted = text("UPDATE payouts SET state = 'accepted' WHERE id = :id")
            self.session.execute(accepted, {"id": self.payout_id})
        if state in (PayoutState.TRANSFERRING, PayoutState.CANCELLING):
            self.make_due()
            self.step()
        assert self.payout.state is state

    def settle(self) -> None:
        """Let time pass until it has ended."""
        for _ in range(40):
            if self.payout.settled_at is not None:
                return
            self.clock.advance(hours=1)
            self.drive()
        raise AssertionError(f"never settled: {moves_of(self.session, self.payout_id)}")

    def assert_books_agree(self) -> None:
        """Whoever began with ¥1,000 has been paid once, or has it all."""
        payout = self.payout
        bill = self.bank.bills.get(payout.out_bill_no)
        is_paid = bill is not None and bill.state is TransferState.SUCCESS
        assert is_paid == (payout.state is PayoutState.SUCCESS)
        assert self.bank.wallets[self.earner.openid] == (payout.net_fen if is_paid else 0)
        assert figures(self.session, self.earner.id) == (0, 100_000 - (payout.gross_fen if is_paid else 0), 0)
        assert self.bank.alarms == []
        assert len(self.bank.bills) <= 1
        assert payout.contradiction is None
        assert_money_fits(self.session, self.earner.id)
        assert_no_create_without_a_query_between(self.session, self.payout_id)


def assert_no_create_without_a_query_between(session: Session, payout_id: int) -> None:
    steps = [move for move in moves_of(session, payout_id) if move in ("begun:send", "begun:query")]
    for before, after in pairwise(steps):
        assert not (before == after == "begun:send"), steps
