"""The sandbox notices what is paid twice, and fails the test that did it."""

from collections.abc import Iterator

import pytest

from tests.support.pay_sandbox import PaySandbox, pay_sandbox
from tests.support.transfer_bills import created


class TestDoublePayments:
    @pytest.fixture
    def fresh(self) -> Iterator[PaySandbox]:
        with pay_sandbox() as running:
            yield running
            running.control("/pay/alarms", method="DELETE")

    def test_two_open_bills_that_look_alike_raise_an_alarm(self, fresh: PaySandbox) -> None:
        person = fresh.user()
        first, second = (created(fresh, person, transfer_remark="佣金")["out_bill_no"] for _ in range(2))

        assert [(alarm["first"], alarm["second"]) for alarm in fresh.alarms()] == [(first, second)]

    def test_a_second_bill_for_one_business_key_raises_it_also_after_the_first_was_paid(
        self, fresh: PaySandbox
    ) -> None:
        person = fresh.user()
        first, second = (created(fresh, person)["out_bill_no"] for _ in range(2))
        fresh.confirm(person, first)
        assert fresh.alarms() == []

        fresh.stand_for({first: "payout 1", second: "payout 1"})

        assert [alarm["business_key"] for alarm in fresh.alarms()] == ["payout 1"]

    def test_a_new_number_after_a_failure_and_two_keys_are_no_alarm(self, fresh: PaySandbox) -> None:
        person = fresh.user()
        numbers = ["D1", "D2", "D3"]
        fresh.stand_for({"D1": "payout 1", "D2": "payout 1", "D3": "payout 2"})
        fresh.fault(target="transfer", event="create", fail_reason="OPENID_INVALID")
        for number in numbers:
            created(fresh, person, out_bill_no=number, transfer_remark="佣金")

        assert [bill["state"] for bill in fresh.book()["transfers"]] == ["FAIL"] + ["WAIT_USER_CONFIRM"] * 2
        assert fresh.alarms() == []

    def test_an_alarm_fails_the_test_that_caused_it(self) -> None:
        with pytest.raises(AssertionError, match="paid twice"), pay_sandbox() as running:  # noqa: PT012 - both belong
            person = running.user()
            for _ in range(2):
                created(running, person, transfer_remark="佣金")
