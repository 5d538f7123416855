"""Calling a payout back: the money comes back once, or the member was faster."""

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from loyalty.payouts.service import deciding
from loyalty.payouts.service.sending import Sender, begin, call, drive, finish
from tests.factories.check_ins import SHANGHAI
from tests.factories.pay_bank import Bank
from tests.factories.payouts import STAFF, Earner, payout_of
from tests.payouts.books import assert_books_agree, come_to, number_of, settle
from tests.support.containers import StandingClock
from tests.support.settings import VAULT


class TestCancels:
    @pytest.mark.parametrize("start", [PayoutState.NEW, PayoutState.WAITING_CONFIRM, PayoutState.ACCEPTED])
    def test_give_the_money_back_once(
        self,
        session: Session,
        sender: Sender,
        bank: Bank,
        clock: StandingClock,
        earner: Earner,
        payout_id: int,
        start: PayoutState,
    ) -> None:
        come_to(start, session, sender, bank, payout_id)

        for _ in range(2):
            if payout_of(session, payout_id).settled_at is None:
                deciding.cancel(session, payout_id=payout_id, zone=SHANGHAI, actor=STAFF, at=clock.now())
        drive(sender, payout_id=payout_id)
        if start is not PayoutState.NEW:
            assert bank.bills[number_of(session, payout_id)].state is TransferState.CANCELING
            bank.end(number_of(session, payout_id), TransferState.CANCELLED)
        settle(session, sender, clock, payout_id)

        assert payout_of(session, payout_id).return_reason is ReturnReason.CANCELLED
        assert_books_agree(session, bank, earner, payout_id)

    def test_amid_a_create_wait_for_what_becomes_of_it(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
    ) -> None:
        begun = begin(session, vault=VAULT, payout_id=payout_id, at=clock.now())
        assert begun is not None
        deciding.cancel(session, payout_id=payout_id, zone=SHANGHAI, actor=STAFF, at=clock.now())
        assert drive(sender, payout_id=payout_id) == 0

        answer = call(bank, begun, at=clock.now())
        assert answer is not None
        finish(session, begun=begun, answer=answer, zone=SHANGHAI, at=clock.now())
        clock.advance(hours=1)
        drive(sender, payout_id=payout_id)

        assert bank.bills[begun.order.out_bill_no].state is TransferState.CANCELING
        bank.end(begun.order.out_bill_no, TransferState.CANCELLED)
        settle(session, sender, clock, payout_id)
        assert_books_agree(session, bank, earner, payout_id)

    def test_lose_against_a_member_who_confirms_at_the_same_moment(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
    ) -> None:
        drive(sender, payout_id=payout_id)
        deciding.cancel(session, payout_id=payout_id, zone=SHANGHAI, actor=STAFF, at=clock.now())
        bank.end(number_of(session, payout_id), TransferState.SUCCESS)

        settle(session, sender, clock, payout_id)

        assert payout_of(session, payout_id).state is PayoutState.SUCCESS
        assert_books_agree(session, bank, earner, payout_id)
