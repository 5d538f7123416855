"""Every answer in every state: one end, one bill, and money that is either with the member or back, never both."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from loyalty.payouts.service.sending import Sender, begin, call, drive, finish, step
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import figures
from tests.factories.pay_bank import Bank
from tests.factories.payouts import Earner, deliver, make_due, payout_of
from tests.payouts.books import assert_books_agree, come_to, number_of
from tests.support.containers import StandingClock
from tests.support.events import recorded
from tests.support.settings import VAULT

ENDS = [
    (TransferState.SUCCESS, None, PayoutState.SUCCESS, None),
    (TransferState.FAIL, "ACCOUNT_FROZEN", PayoutState.RETURNED, ReturnReason.FAILED),
    (TransferState.FAIL, "OVERDUE_CLOSE", PayoutState.RETURNED, ReturnReason.OVERDUE),
    (TransferState.CANCELLED, None, PayoutState.RETURNED, ReturnReason.CANCELLED),
]


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
        [
            ({"amount_fen": 1}, "amount_differs"),
            ({"transfer_bill_no": "other"}, "transfer_bill_no_differs"),
            ({"openid": "somebody-else"}, "payee_differs"),
        ],
    )
    def test_of_another_amount_bill_or_payee_are_kept_for_people(
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


def test_an_answer_that_names_another_payee_is_kept_for_people(
    session: Session, sender: Sender, bank: Bank, payout_id: int
) -> None:
    drive(sender, payout_id=payout_id)
    bill = bank.bills[number_of(session, payout_id)]
    bill.order, bill.state = replace(bill.order, openid="somebody-else"), TransferState.SUCCESS
    make_due(session, payout_id, sender.time_of_day())

    drive(sender, payout_id=payout_id)

    payout = payout_of(session, payout_id)
    assert (payout.state, payout.contradiction) == (PayoutState.WAITING_CONFIRM, "payee_differs")


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
