"""The life of transfers to users: their states, and where the money is meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.defaults import MP_APPID
from tests.support.pay_sandbox import BILLS, PaySandbox, pay_sandbox
from tests.support.transfer_bills import body_of, created, state

DAY = 86400


class TestLife:
    def test_money_leaves_when_the_bill_waits_and_stays_with_who_confirms(
        self, pay: PaySandbox, user: dict[str, Any]
    ) -> None:
        before = pay.book()["balance_fen"]
        number = created(pay, user)["out_bill_no"]
        assert pay.book()["balance_fen"] == before - 500

        pay.confirm(user, number)

        assert state(pay, number) == ("SUCCESS", None)
        shown = pay.control(f"/users/{user['id']}/transfers", method="GET")
        assert (shown["wallet_fen"], [bill["state"] for bill in shown["items"]]) == (500, ["SUCCESS"])
        assert "已收款" in pay.confirm(user, number, status=409)["error"]
        by_platform = pay.ask("GET", f"{BILLS}/transfer-bill-no/{pay.bill(number)['transfer_bill_no']}").json()
        assert by_platform["out_bill_no"] == number

    def test_another_person_cannot_take_it_and_nothing_opens_without_the_right_package(
        self, pay: PaySandbox, user: dict[str, Any]
    ) -> None:
        number = created(pay, user)["out_bill_no"]

        assert "收款微信号不一致" in pay.confirm(pay.user(), number, status=409)["error"]
        given = {"mchId": "1900000009", "appId": MP_APPID, "package": pay.bill(number)["package_info"]}
        assert "不一致" in pay.control(f"/users/{user['id']}/transfers/confirm", given, status=409)["error"]
        given["package"] = "nonsense"
        assert "不存在" in pay.control(f"/users/{user['id']}/transfers/confirm", given, status=409)["error"]

    def test_after_a_day_it_closes_and_the_money_is_back(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        before = pay.book()["balance_fen"]
        number = created(pay, user)["out_bill_no"]
        pay.advance(DAY - 60)
        assert state(pay, number)[0] == "WAIT_USER_CONFIRM"
        pay.advance(61)

        assert state(pay, number) == ("FAIL", "OVERDUE_CLOSE")
        assert pay.book()["balance_fen"] == before
        assert "过期" in pay.confirm(user, number, status=409)["error"]

    def test_the_same_number_after_its_end_shows_the_end(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        body = body_of(user)
        pay.fault(target="transfer", event="confirm", fail_reason="ACCOUNT_FROZEN")
        assert pay.ask("POST", BILLS, body).json()["state"] == "WAIT_USER_CONFIRM"
        pay.confirm(user, body["out_bill_no"])

        again = pay.ask("POST", BILLS, body).json()

        assert (again["state"], again["fail_reason"]) == ("FAIL", "ACCOUNT_FROZEN")
        assert pay.ask("POST", BILLS, body | {"transfer_amount": 501}).json()["code"] == "ALREADY_EXISTS"

    def test_cancelling_takes_its_time_and_ends_once(self) -> None:
        with pay_sandbox(cancel_seconds=60) as running:
            person = running.user()
            number = created(running, person)["out_bill_no"]
            path = f"{BILLS}/out-bill-no/{number}"
            assert [running.ask("POST", f"{path}/cancel").json()["state"] for _ in range(2)] == ["CANCELING"] * 2
            assert "已撤销" in running.confirm(person, number, status=409)["error"]
            running.advance(61)

            assert state(running, number) == ("CANCELLED", None)
            assert [flow["amount"] for flow in running.book()["flows"]] == [-500, 500]

    def test_a_bill_is_held_in_each_state_until_it_is_moved_on(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        for held in ("ACCEPTED", "PROCESSING"):
            pay.fault(target="transfer", event="create", state=held)
            made = created(pay, user)
            assert (made["state"], "package_info" in made) == (held, False)
            pay.advance(2 * DAY)
            assert state(pay, made["out_bill_no"])[0] == held
            pay.move(made["out_bill_no"], "WAIT_USER_CONFIRM")
        pay.move(made["out_bill_no"], "FAIL", fail_reason="TRANSFER_RISK")
        assert state(pay, made["out_bill_no"]) == ("FAIL", "TRANSFER_RISK")

    @pytest.mark.parametrize("moved", [("WAIT_USER_CONFIRM", "WAIT_USER_CONFIRM"), ("PROCESSING",)])
    def test_a_bill_whose_money_has_left_is_not_made_to_wait_again(
        self, pay: PaySandbox, user: dict[str, Any], moved: tuple[str, ...]
    ) -> None:
        number = created(pay, user)["out_bill_no"]

        for wanted in moved:
            pay.move(number, wanted, status=409)

        assert [flow["amount"] for flow in pay.book()["flows"]] == [-500]

    def test_nobody_is_paid_before_the_money_has_left(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        pay.fault(target="transfer", event="create", state="PROCESSING")
        number = created(pay, user)["out_bill_no"]

        pay.move(number, "SUCCESS", status=409)
        pay.move(number, "TRANSFERING", status=409)

        assert state(pay, number)[0] == "PROCESSING"

    def test_a_confirmation_may_stay_unclear_and_be_opened_again(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        number = created(pay, user)["out_bill_no"]
        pay.fault(target="transfer", event="confirm", state="TRANSFERING")

        assert pay.confirm(user, number)["state"] == "TRANSFERING"
        assert pay.ask("POST", f"{BILLS}/out-bill-no/{number}/cancel").json()["code"] == "INVALID_REQUEST"
        assert pay.confirm(user, number)["state"] == "SUCCESS"

    def test_many_at_once_under_one_number_make_one_bill(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        body = body_of(user)
        with ThreadPoolExecutor(16) as clients:
            answers = list(clients.map(lambda _: pay.ask("POST", BILLS, body).json(), range(16)))

        assert len({answer["transfer_bill_no"] for answer in answers}) == 1
        assert [flow["amount"] for flow in pay.book()["flows"]] == [-500]

    def test_without_money_nothing_is_made_and_after_topping_up_the_same_number_works(self) -> None:
        with pay_sandbox(balance_fen=499) as running:
            person = running.user()
            body = body_of(person)
            refused = running.ask("POST", BILLS, body)
            assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ENOUGH")
            assert running.book()["transfers"] == []
            assert running.control("/pay/top-up", {"amount_fen": 1})["balance_fen"] == 500

            assert running.ask("POST", BILLS, body).json()["state"] == "WAIT_USER_CONFIRM"
            running.control("/pay/top-up", {"amount_fen": -1}, status=409)
