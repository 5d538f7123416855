"""Bringing a payout somewhere, and comparing our books with the platform's."""

from itertools import pairwise

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.sending import Sender, begin, drive, step
from tests.factories.earnings import assert_money_fits, figures
from tests.factories.pay_bank import Bank, Fault
from tests.factories.payouts import Earner, make_due, moves_of, payout_of
from tests.support.containers import StandingClock
from tests.support.settings import VAULT


def number_of(session: Session, payout_id: int) -> str:
    return payout_of(session, payout_id).out_bill_no


def come_to(state: PayoutState, session: Session, sender: Sender, bank: Bank, payout_id: int) -> None:
    """Bring a payout into a state by what really brings it there."""
    at, number = sender.time_of_day(), number_of(session, payout_id)
    if state is PayoutState.NEW:
        return
    if state is PayoutState.SENDING:
        begin(session, vault=VAULT, payout_id=payout_id, at=at)
        return
    if state is PayoutState.UNKNOWN:
        bank.faults.append(Fault.DROP_AFTER)
    step(sender, payout_id=payout_id)
    if state is PayoutState.TRANSFERRING:
        bank.bills[number].state = TransferState.TRANSFERING
    if state is PayoutState.CANCELLING:
        bank.bills[number].state = TransferState.CANCELING
    if state is PayoutState.ACCEPTED:
        session.execute(text("UPDATE payouts SET state = 'accepted' WHERE id = :id"), {"id": payout_id})
    if state in (PayoutState.TRANSFERRING, PayoutState.CANCELLING):
        make_due(session, payout_id, at)
        step(sender, payout_id=payout_id)
    assert payout_of(session, payout_id).state is state


def settle(session: Session, sender: Sender, clock: StandingClock, payout_id: int) -> None:
    """Let time pass until the payout has ended."""
    for _ in range(40):
        if payout_of(session, payout_id).settled_at is not None:
            return
        clock.advance(hours=1)
        drive(sender, payout_id=payout_id)
    raise AssertionError(f"never settled: {moves_of(session, payout_id)}")


def assert_books_agree(
    session: Session, bank: Bank, earner: Earner, payout_id: int, *, began_with: int = 100_000
) -> None:
    payout = payout_of(session, payout_id)
    bill = bank.bills.get(payout.out_bill_no)
    is_paid = bill is not None and bill.state is TransferState.SUCCESS
    assert is_paid == (payout.state is PayoutState.SUCCESS)
    assert bank.wallets[earner.openid] == (payout.net_fen if is_paid else 0)
    assert figures(session, earner.id) == (0, began_with - (payout.gross_fen if is_paid else 0), 0)
    assert bank.alarms == []
    assert len(bank.bills) <= 1
    assert payout.contradiction is None
    assert_money_fits(session, earner.id)
    assert_no_create_without_a_query_between(session, payout_id)


def assert_no_create_without_a_query_between(session: Session, payout_id: int) -> None:
    steps = [move for move in moves_of(session, payout_id) if move in ("begun:send", "begun:query")]
    for before, after in pairwise(steps):
        assert not (before == after == "begun:send"), steps
