"""Every answer in every state: one end, one bill, and money that is either with the member or back, never both."""

from dataclasses import replace

import pytest

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from tests.factories.earnings import figures
from tests.payouts.books import Course
from tests.support.events import recorded

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
        course: Course,
        start: PayoutState,
        first: str,
        told: TransferState,
        fail_reason: str | None,
        state: PayoutState,
        reason: ReturnReason | None,
    ) -> None:
        number = course.number
        begun = course.begin() if start is PayoutState.SENDING else None
        answer = course.call(begun) if begun else None
        if begun is None:
            course.come_to(start)
        course.bank.end(number, told, fail_reason)

        if first == "poll":
            course.clock.advance(hours=1)
            course.drive()
        for _ in range(2):
            course.deliver()
        if begun and answer:
            course.finish(begun, answer)
        course.clock.advance(hours=1)
        course.drive()

        payout = course.payout
        assert (payout.state, payout.return_reason) == (state, reason)
        assert payout.package_info is None
        course.assert_books_agree()
        assert not course.step()

    def test_late_notices_of_what_was_before_change_nothing(self, course: Course) -> None:
        course.drive()
        course.bank.end(course.number, TransferState.SUCCESS)
        course.deliver()

        for state in (TransferState.WAIT_USER_CONFIRM, TransferState.ACCEPTED, TransferState.TRANSFERING):
            course.deliver(state=state)

        assert course.payout.state is PayoutState.SUCCESS
        course.assert_books_agree()

    @pytest.mark.parametrize("start", [PayoutState.WAITING_CONFIRM, PayoutState.TRANSFERRING, PayoutState.CANCELLING])
    def test_answers_about_what_was_before_move_nothing_back(self, course: Course, start: PayoutState) -> None:
        course.come_to(start)
        course.bank.end(course.number, TransferState.SUCCESS)

        for state in (TransferState.ACCEPTED, TransferState.PROCESSING, TransferState.WAIT_USER_CONFIRM):
            course.deliver(state=state)

        assert course.payout.state is start

    def test_that_cannot_both_be_true_are_kept_for_people_and_move_nothing(self, course: Course) -> None:
        course.drive()
        course.bank.end(course.number, TransferState.FAIL, "ACCOUNT_FROZEN")
        course.deliver()

        course.deliver(state=TransferState.SUCCESS, fail_reason=None)

        payout = course.payout
        assert (payout.state, payout.contradiction) == (PayoutState.RETURNED, "returned_but_success")
        assert figures(course.session, course.earner.id) == (0, 100_000, 0)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"amount_fen": 1}, "amount_differs"),
            ({"transfer_bill_no": "other"}, "transfer_bill_no_differs"),
            ({"openid": "somebody-else"}, "payee_differs"),
        ],
    )
    def test_of_another_amount_bill_or_payee_are_kept_for_people(
        self, course: Course, change: dict[str, object], problem: str
    ) -> None:
        course.drive()
        course.bank.end(course.number, TransferState.CANCELLED)

        course.deliver(**change)

        payout = course.payout
        assert (payout.state, payout.contradiction) == (PayoutState.WAITING_CONFIRM, problem)
        assert figures(course.session, course.earner.id) == (0, 80_000, 0)


def test_an_answer_that_names_another_payee_is_kept_for_people(course: Course) -> None:
    course.drive()
    bill = course.bank.bills[course.number]
    bill.order, bill.state = replace(bill.order, openid="somebody-else"), TransferState.SUCCESS
    course.make_due()

    course.drive()

    payout = course.payout
    assert (payout.state, payout.contradiction) == (PayoutState.WAITING_CONFIRM, "payee_differs")


def test_other_modules_hear_of_each_stage_once(course: Course) -> None:
    course.drive()
    course.bank.end(course.number, TransferState.SUCCESS)
    for _ in range(2):
        course.deliver()

    told = {"payout_id": course.payout_id, "member_id": course.earner.id}
    assert recorded(course.session, "payout.requested") == [{"payout_id": course.payout_id}]
    assert [recorded(course.session, f"payout.{kind}") for kind in ("offered", "succeeded", "returned")] == [
        [told],
        [told],
        [],
    ]
