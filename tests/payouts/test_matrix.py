"""Every answer in every state: one end, one bill, and money that is either with the member or back, never both."""

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.queries.payouts import find_pause
from loyalty.payouts.rules.states import SEND_WITHIN, STEP_LEASE, PayoutState, ReturnReason
from loyalty.payouts.service import deciding, pausing
from loyalty.payouts.service.sending import Sender, begin, call, drive, finish, step
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import assert_money_fits, figures
from tests.factories.pay_bank import Bank, Fault
from tests.factories.payouts import STAFF, Earner, ask, deliver, make_due, moves_of, payout_of
from tests.support.containers import StandingClock
from tests.support.events import recorded
from tests.support.settings import VAULT

ENDS = [
    (TransferState.SUCCESS, None, PayoutState.SUCCESS, None),
    (TransferState.FAIL, "ACCOUNT_FROZEN", PayoutState.RETURNED, ReturnReason.FAILED),
    (TransferState.FAIL, "OVERDUE_CLOSE", PayoutState.RETURNED, ReturnReason.OVERDUE),
    (TransferState.CANCELLED, None, PayoutState.RETURNED, ReturnReason.CANCELLED),
]


@pytest.fixture
def payout_id(session: Session, earner: Earner) -> int:
    return ask(session, earner).id


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


class TestEnds:
    @pytest.mark.parametrize(("told", "fail_reason", "state", "reason"), ENDS)
    @pytest.mark.parametrize("first", ["notice", "poll"])
    @pytest.mark.parametrize(
        "start",
        [
            PayoutState.SENDING,
            PayoutState.UNKNOWN,
            PayoutState.ACCEPTED,
            PayoutState.WAITING_CONFIRM,
            PayoutState.TRANSFERRING,
            PayoutState.CANCELLING,
        ],
    )
    def test_of_a_bill_reach_the_payout_once_in_every_state(
        self,
        session: Session,
        sender: Sender,
        bank: Bank,
        clock: StandingClock,
        earner: Earner,
        payout_id: int,
        start: PayoutState,
        first: str,
        told: TransferState,
        fail_reason: str | None,
        state: PayoutState,
        reason: ReturnReason | None,
    ) -> None:
        number = number_of(session, payout_id)
        if start is PayoutState.SENDING:
            begun = begin(session, vault=VAULT, payout_id=payout_id, at=clock.now())
            assert begun is not None
            answer = call(bank, begun, at=clock.now())
        else:
            come_to(start, session, sender, bank, payout_id)
            begun = answer = None
        bank.end(number, told, fail_reason)

        if first == "poll":
            clock.advance(hours=1)
            drive(sender, payout_id=payout_id)
        for _ in range(2):
            deliver(session, bank.notices[0])
        if begun is not None and answer is not None:
            finish(session, begun=begun, answer=answer, zone=SHANGHAI, at=clock.now())
        clock.advance(hours=1)
        drive(sender, payout_id=payout_id)

        payout = payout_of(session, payout_id)
        assert (payout.state, payout.return_reason) == (state, reason)
        assert payout.package_info is None
        assert_books_agree(session, bank, earner, payout_id)
        assert not step(sender, payout_id=payout_id)

    def test_late_notices_of_what_was_before_change_nothing(
        self, session: Session, sender: Sender, bank: Bank, earner: Earner, payout_id: int
    ) -> None:
        drive(sender, payout_id=payout_id)
        bank.end(number_of(session, payout_id), TransferState.SUCCESS)
        deliver(session, bank.notices[0])

        for state in (TransferState.WAIT_USER_CONFIRM, TransferState.ACCEPTED, TransferState.TRANSFERING):
            deliver(session, bank.notices[0], state=state)

        assert payout_of(session, payout_id).state is PayoutState.SUCCESS
        assert_books_agree(session, bank, earner, payout_id)

    @pytest.mark.parametrize("start", [PayoutState.WAITING_CONFIRM, PayoutState.TRANSFERRING, PayoutState.CANCELLING])
    def test_answers_about_what_was_before_move_nothing_back(
        self, session: Session, sender: Sender, bank: Bank, payout_id: int, start: PayoutState
    ) -> None:
        come_to(start, session, sender, bank, payout_id)
        bank.end(number_of(session, payout_id), TransferState.SUCCESS)

        for state in (TransferState.ACCEPTED, TransferState.PROCESSING, TransferState.WAIT_USER_CONFIRM):
            deliver(session, bank.notices[0], state=state)

        assert payout_of(session, payout_id).state is start

    def test_that_cannot_both_be_true_are_kept_for_people_and_move_nothing(
        self, session: Session, sender: Sender, bank: Bank, earner: Earner, payout_id: int
    ) -> None:
        drive(sender, payout_id=payout_id)
        bank.end(number_of(session, payout_id), TransferState.FAIL, "ACCOUNT_FROZEN")
        deliver(session, bank.notices[0])

        deliver(session, bank.notices[0], state=TransferState.SUCCESS, fail_reason=None)

        payout = payout_of(session, payout_id)
        assert (payout.state, payout.contradiction) == (PayoutState.RETURNED, "returned_but_success")
        assert figures(session, earner.id) == (0, 100_000, 0)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [({"amount_fen": 1}, "amount_differs"), ({"transfer_bill_no": "other"}, "transfer_bill_no_differs")],
    )
    def test_of_another_amount_or_bill_are_kept_for_people(
        self,
        session: Session,
        sender: Sender,
        bank: Bank,
        earner: Earner,
        payout_id: int,
        change: dict[str, object],
        problem: str,
    ) -> None:
        drive(sender, payout_id=payout_id)
        bank.end(number_of(session, payout_id), TransferState.CANCELLED)

        deliver(session, bank.notices[0], **change)

        payout = payout_of(session, payout_id)
        assert (payout.state, payout.contradiction) == (PayoutState.WAITING_CONFIRM, problem)
        assert figures(session, earner.id) == (0, 80_000, 0)


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


def test_other_modules_hear_of_each_stage_once(
    session: Session, sender: Sender, bank: Bank, earner: Earner, payout_id: int
) -> None:
    drive(sender, payout_id=payout_id)
    bank.end(number_of(session, payout_id), TransferState.SUCCESS)
    for _ in range(2):
        deliver(session, bank.notices[0])

    told = {"payout_id": payout_id, "member_id": earner.id}
    assert recorded(session, "payout.requested") == [{"payout_id": payout_id}]
    assert [recorded(session, f"payout.{kind}") for kind in ("offered", "succeeded", "returned")] == [
        [told],
        [told],
        [],
    ]
