"""Calling a payout back: the money comes back once, or the member was faster."""

import pytest

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from tests.payouts.books import Course


class TestCancels:
    @pytest.mark.parametrize("start", [PayoutState.NEW, PayoutState.WAITING_CONFIRM, PayoutState.ACCEPTED])
    def test_give_the_money_back_once(self, course: Course, start: PayoutState) -> None:
        course.come_to(start)

        for _ in range(2):
            if course.payout.settled_at is None:
                course.cancel()
        course.drive()
        if start is not PayoutState.NEW:
            assert course.bank.bills[course.number].state is TransferState.CANCELING
            course.bank.end(course.number, TransferState.CANCELLED)
        course.settle()

        assert course.payout.return_reason is ReturnReason.CANCELLED
        course.assert_books_agree()

    def test_amid_a_create_wait_for_what_becomes_of_it(self, course: Course) -> None:
        begun = course.begin()
        course.cancel()
        assert course.drive() == 0

        answer = course.call(begun)
        course.finish(begun, answer)
        course.clock.advance(hours=1)
        course.drive()

        assert course.bank.bills[begun.order.out_bill_no].state is TransferState.CANCELING
        course.bank.end(begun.order.out_bill_no, TransferState.CANCELLED)
        course.settle()
        course.assert_books_agree()

    def test_lose_against_a_member_who_confirms_at_the_same_moment(self, course: Course) -> None:
        course.drive()
        course.cancel()
        course.bank.end(course.number, TransferState.SUCCESS)

        course.settle()

        assert course.payout.state is PayoutState.SUCCESS
        course.assert_books_agree()
