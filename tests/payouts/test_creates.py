"""Creates that go wrong, and workers that die around them: one bill in the end, under one number."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from loyalty.gateways.pay_protocols import TransferState
from loyalty.payouts.queries.payouts import find_pause
from loyalty.payouts.rules.states import SEND_WITHIN, STEP_LEASE, PayoutState, ReturnReason
from loyalty.payouts.service import pausing
from loyalty.payouts.service.sending import call
from tests.factories.pay_bank import Fault
from tests.factories.payouts import STAFF, ask
from tests.payouts.books import Course, assert_no_create_without_a_query_between


class TestCreates:
    @pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.BUSY])
    @pytest.mark.parametrize("again", [None, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.BUSY])
    def test_without_a_clear_answer_are_asked_for_and_come_again_under_the_same_number(
        self, course: Course, fault: Fault, again: Fault | None
    ) -> None:
        course.bank.faults.extend([fault, None, again])
        course.drive()
        assert course.payout.state is PayoutState.UNKNOWN

        for _ in range(4):
            course.clock.advance(hours=1)
            course.drive()
        payout = course.payout
        assert (payout.state, payout.package_info) == (PayoutState.WAITING_CONFIRM, f"package-{payout.out_bill_no}")

        course.bank.end(payout.out_bill_no, TransferState.SUCCESS)
        course.settle()
        course.assert_books_agree()

    def test_that_are_refused_are_asked_for_once_and_given_back(self, course: Course) -> None:
        course.bank.faults.append(Fault.REFUSED)

        course.drive()

        payout = course.payout
        assert (payout.state, payout.return_reason) == (PayoutState.RETURNED, ReturnReason.REFUSED)
        assert course.bank.calls == [("create", payout.out_bill_no), ("query", payout.out_bill_no)]
        course.assert_books_agree()

    def test_that_are_refused_though_the_bill_is_there_follow_the_bill(self, course: Course) -> None:
        course.bank.faults.extend([Fault.DROP_AFTER])
        course.drive()
        refused = text("UPDATE payouts SET is_refused = true WHERE id = :id")
        course.session.execute(refused, {"id": course.payout_id})

        course.clock.advance(hours=1)
        course.drive()

        assert course.payout.state is PayoutState.WAITING_CONFIRM

    def test_wait_while_the_account_is_short_and_go_on_with_the_same_number(self, course: Course) -> None:
        waiting = replace(course, payout_id=ask(course.session, course.earner).id)
        course.bank.faults.append(Fault.NOT_ENOUGH)

        course.drive()
        waiting.drive()
        pause = find_pause(course.session)
        assert pause is not None
        assert (pause.reason, pause.payout_id) == ("not_enough", course.payout_id)
        course.clock.advance(minutes=5)
        course.drive()
        assert course.bank.count("create") == 1

        pausing.resume(course.session, actor=STAFF, at=course.clock.now())
        for each in (course, waiting):
            each.drive()

        assert {each.payout.state for each in (course, waiting)} == {PayoutState.WAITING_CONFIRM}
        assert course.bank.count("create") == 3
        assert course.bank.alarms == []

    def test_that_wechat_pay_never_learns_of_are_given_back_after_two_days(self, course: Course) -> None:
        course.bank.faults.extend([Fault.DROP_BEFORE, None] * 60)
        for _ in range(6):
            course.drive()
            course.clock.advance(hours=12)

        payout = course.payout
        assert (payout.state, payout.return_reason) == (PayoutState.RETURNED, ReturnReason.REFUSED)
        course.assert_books_agree()

    def test_are_repeated_for_the_confirmation_page_when_only_a_query_told_of_the_bill(self, course: Course) -> None:
        course.bank.first_state = TransferState.ACCEPTED
        course.drive()
        assert course.payout.state is PayoutState.ACCEPTED
        course.bank.bills[course.number].state = TransferState.WAIT_USER_CONFIRM

        course.clock.advance(minutes=1)
        course.drive()

        assert course.payout.package_info is not None
        assert (course.bank.count("create"), len(course.bank.bills)) == (2, 1)


class TestDeaths:
    """A worker dies: what it began falls due again, and begins with a query."""

    @pytest.mark.parametrize("dies", ["before the call", "after the call"])
    @pytest.mark.parametrize("fault", [None, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.REFUSED, Fault.NOT_ENOUGH])
    def test_around_the_create_lose_nothing(self, course: Course, dies: str, fault: Fault | None) -> None:
        begun = course.begin()
        if dies == "after the call":
            course.bank.faults.append(fault)
            course.call(begun)

        assert course.drive() == 0
        course.clock.advance(seconds=STEP_LEASE.total_seconds())
        course.drive()

        payout = course.payout
        assert payout.state is PayoutState.WAITING_CONFIRM
        course.bank.end(payout.out_bill_no, TransferState.SUCCESS)
        course.settle()
        course.assert_books_agree()

    def test_that_were_only_a_long_sleep_send_nothing_any_more(self, course: Course) -> None:
        begun = course.begin()

        answer = call(course.bank, begun, at=course.clock.now() + SEND_WITHIN + timedelta(seconds=1))

        assert answer is None
        assert course.bank.calls == []

    def test_of_a_query_that_comes_back_late_clear_no_create(self, course: Course) -> None:
        course.bank.faults.append(Fault.DROP_BEFORE)
        course.drive()
        course.clock.advance(hours=1)
        sleeper = course.begin()
        stale = course.call(sleeper)
        course.clock.advance(hours=1)
        course.bank.faults.extend([None, Fault.DROP_AFTER])
        course.drive()

        course.finish(sleeper, stale)
        course.clock.advance(hours=1)
        course.drive()

        assert_no_create_without_a_query_between(course.session, course.payout_id)
