"""Creates that go wrong, and workers that die around them: one bill in the end, under one number."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.queries.payouts import find_pause
from loyalty.payouts.rules.states import SEND_WITHIN, STEP_LEASE, PayoutState, ReturnReason
from loyalty.payouts.service import pausing
from loyalty.payouts.service.sending import Sender, begin, call, drive, finish
from tests.factories.check_ins import SHANGHAI
from tests.factories.pay_bank import Bank, Fault
from tests.factories.payouts import STAFF, Earner, ask, payout_of
from tests.payouts.books import assert_books_agree, assert_no_create_without_a_query_between, number_of, settle
from tests.support.containers import StandingClock
from tests.support.settings import VAULT


class TestCreates:
    @pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.BUSY])
    @pytest.mark.parametrize("again", [None, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.BUSY])
    def test_without_a_clear_answer_are_asked_for_and_come_again_under_the_same_number(
        self,
        session: Session,
        sender: Sender,
        bank: Bank,
        clock: StandingClock,
        earner: Earner,
        payout_id: int,
        fault: Fault,
        again: Fault | None,
    ) -> None:
        bank.faults.extend([fault, None, again])
        drive(sender, payout_id=payout_id)
        assert payout_of(session, payout_id).state is PayoutState.UNKNOWN

        for _ in range(4):
            clock.advance(hours=1)
            drive(sender, payout_id=payout_id)
        payout = payout_of(session, payout_id)
        assert (payout.state, payout.package_info) == (PayoutState.WAITING_CONFIRM, f"package-{payout.out_bill_no}")

        bank.end(payout.out_bill_no, TransferState.SUCCESS)
        settle(session, sender, clock, payout_id)
        assert_books_agree(session, bank, earner, payout_id)

    def test_that_are_refused_are_asked_for_once_and_given_back(
        self, session: Session, sender: Sender, bank: Bank, earner: Earner, payout_id: int
    ) -> None:
        bank.faults.append(Fault.REFUSED)

        drive(sender, payout_id=payout_id)

        payout = payout_of(session, payout_id)
        assert (payout.state, payout.return_reason) == (PayoutState.RETURNED, ReturnReason.REFUSED)
        assert bank.calls == [("create", payout.out_bill_no), ("query", payout.out_bill_no)]
        assert_books_agree(session, bank, earner, payout_id)

    def test_that_are_refused_though_the_bill_is_there_follow_the_bill(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
    ) -> None:
        bank.faults.extend([Fault.DROP_AFTER])
        drive(sender, payout_id=payout_id)
        session.execute(text("UPDATE payouts SET is_refused = true WHERE id = :id"), {"id": payout_id})

        clock.advance(hours=1)
        drive(sender, payout_id=payout_id)

        assert payout_of(session, payout_id).state is PayoutState.WAITING_CONFIRM

    def test_wait_while_the_account_is_short_and_go_on_with_the_same_number(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
    ) -> None:
        waiting_id = ask(session, earner).id
        bank.faults.append(Fault.NOT_ENOUGH)

        drive(sender, payout_id=payout_id)
        drive(sender, payout_id=waiting_id)
        pause = find_pause(session)
        assert pause is not None
        assert (pause.reason, pause.payout_id) == ("not_enough", payout_id)
        clock.advance(minutes=5)
        drive(sender, payout_id=payout_id)
        assert bank.count("create") == 1

        pausing.resume(session, actor=STAFF, at=clock.now())
        for each in (payout_id, waiting_id):
            drive(sender, payout_id=each)

        assert {payout_of(session, each).state for each in (payout_id, waiting_id)} == {PayoutState.WAITING_CONFIRM}
        assert bank.count("create") == 3
        assert bank.alarms == []

    def test_that_wechat_pay_never_learns_of_are_given_back_after_two_days(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
    ) -> None:
        bank.faults.extend([Fault.DROP_BEFORE, None] * 60)
        for _ in range(6):
            drive(sender, payout_id=payout_id)
            clock.advance(hours=12)

        payout = payout_of(session, payout_id)
        assert (payout.state, payout.return_reason) == (PayoutState.RETURNED, ReturnReason.REFUSED)
        assert_books_agree(session, bank, earner, payout_id)

    def test_are_repeated_for_the_confirmation_page_when_only_a_query_told_of_the_bill(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
    ) -> None:
        bank.first_state = TransferState.ACCEPTED
        drive(sender, payout_id=payout_id)
        assert payout_of(session, payout_id).state is PayoutState.ACCEPTED
        bank.bills[number_of(session, payout_id)].state = TransferState.WAIT_USER_CONFIRM

        clock.advance(minutes=1)
        drive(sender, payout_id=payout_id)

        assert payout_of(session, payout_id).package_info is not None
        assert (bank.count("create"), len(bank.bills)) == (2, 1)


class TestDeaths:
    """A worker dies: what it began falls due again, and begins with a query."""

    @pytest.mark.parametrize("dies", ["before the call", "after the call"])
    @pytest.mark.parametrize("fault", [None, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.REFUSED, Fault.NOT_ENOUGH])
    def test_around_the_create_lose_nothing(
        self,
        session: Session,
        sender: Sender,
        bank: Bank,
        clock: StandingClock,
        earner: Earner,
        payout_id: int,
        dies: str,
        fault: Fault | None,
    ) -> None:
        begun = begin(session, vault=VAULT, payout_id=payout_id, at=clock.now())
        assert begun is not None
        if dies == "after the call":
            bank.faults.append(fault)
            call(bank, begun, at=clock.now())

        assert drive(sender, payout_id=payout_id) == 0
        clock.advance(seconds=STEP_LEASE.total_seconds())
        drive(sender, payout_id=payout_id)

        payout = payout_of(session, payout_id)
        assert payout.state is PayoutState.WAITING_CONFIRM
        bank.end(payout.out_bill_no, TransferState.SUCCESS)
        settle(session, sender, clock, payout_id)
        assert_books_agree(session, bank, earner, payout_id)

    def test_that_were_only_a_long_sleep_send_nothing_any_more(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, payout_id: int
    ) -> None:
        begun = begin(session, vault=VAULT, payout_id=payout_id, at=clock.now())
        assert begun is not None

        answer = call(bank, begun, at=clock.now() + SEND_WITHIN + timedelta(seconds=1))

        assert answer is None
        assert bank.calls == []

    def test_of_a_query_that_comes_back_late_clear_no_create(
        self, session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
    ) -> None:
        bank.faults.append(Fault.DROP_BEFORE)
        drive(sender, payout_id=payout_id)
        clock.advance(hours=1)
        sleeper = begin(session, vault=VAULT, payout_id=payout_id, at=clock.now())
        assert sleeper is not None
        stale = call(bank, sleeper, at=clock.now())
        assert stale is not None
        clock.advance(hours=1)
        bank.faults.extend([None, Fault.DROP_AFTER])
        drive(sender, payout_id=payout_id)

        finish(session, begun=sleeper, answer=stale, zone=SHANGHAI, at=clock.now())
        clock.advance(hours=1)
        drive(sender, payout_id=payout_id)

        assert_no_create_without_a_query_between(session, payout_id)
