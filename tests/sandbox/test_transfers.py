"""Transfers to users: what the sandbox checks, how bills live, and that it notices what is paid twice."""

import copy
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import parse
from sandbox.defaults import DEFAULT_ACCOUNTS, MP_APPID, OA_APPID
from sandbox.server import start
from sandbox.shapes import ConfigInvalid
from tests.sandbox.driver import Sim
from tests.support.pay_sandbox import BILLS, PaySandbox, pay_sandbox

DAY = 86400
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared() -> Iterator[PaySandbox]:
    with pay_sandbox(balance_fen=10_000_000, most_fen=300_000) as running:
        yield running


@pytest.fixture
def pay(shared: PaySandbox) -> Iterator[PaySandbox]:
    """The shared one; what a test leaves behind in it is forgotten."""
    yield shared
    assert shared.alarms() == []
    shared.control("/reset")


@pytest.fixture
def user(pay: PaySandbox) -> dict[str, Any]:
    return pay.user()


def body_of(user: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A right request, parts of it replaced; None leaves one out."""
    number = f"S{next(_numbers):05d}"
    body = {
        "appid": MP_APPID,
        "out_bill_no": number,
        "transfer_scene_id": "1005",
        "openid": user["openids"][MP_APPID],
        "transfer_amount": 500,
        "transfer_remark": f"佣金{number}",
        "transfer_scene_report_infos": [
            {"info_type": "岗位类型", "info_content": "推广员"},
            {"info_type": "报酬说明", "info_content": "佣金"},
        ],
        "notify_url": None,
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def created(pay: PaySandbox, user: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = pay.ask("POST", BILLS, body_of(user, **changes))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def state(pay: PaySandbox, number: str) -> tuple[str, str | None]:
    told = pay.ask("GET", f"{BILLS}/out-bill-no/{number}").json()
    return told["state"], told.get("fail_reason")


class TestSignatures:
    @pytest.mark.parametrize(
        "spoiled",
        [{"shift": -301}, {"shift": 301}, {"mchid": "1900000009"}, {"serial_no": "00"}, {"nonce_str": "OTHER"},
         {"signature": "AAAA"}, {"timestamp": "now"}],
    )  # fmt: skip
    def test_a_request_that_the_merchant_did_not_sign_now_is_refused(
        self, pay: PaySandbox, spoiled: dict[str, Any]
    ) -> None:
        answer = pay.ask("GET", f"{BILLS}/out-bill-no/X1", **spoiled)

        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")

    def test_path_query_and_body_are_part_of_what_is_signed(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        right = pay.ask("GET", "/bill/fundflowbill?bill_date=2026-01-01&account_type=BASIC")
        assert right.json()["code"] == "NO_STATEMENT_EXIST"
        header = {"Authorization": right.request.headers["Authorization"]}
        moved = pay.handle.url + "/api.mch.weixin.qq.com/v3/bill/fundflowbill?bill_date=2026-01-02&account_type=BASIC"

        assert Sim(pay.handle).http("GET", moved.removeprefix(pay.url), headers=header).status_code == 401

    def test_answers_in_the_200s_are_signed_and_refusals_are_not(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        good = pay.ask("POST", BILLS, body_of(user))
        bad = pay.ask("GET", f"{BILLS}/out-bill-no/X1")

        assert good.headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_")
        assert good.headers["Content-Type"] == "application/json"
        assert (bad.status_code, bad.json()["code"]) == (404, "NOT_FOUND")
        assert "Wechatpay-Signature" not in bad.headers

    def test_the_merchants_clock_may_be_the_machines_while_ours_is_moved(self, pay: PaySandbox) -> None:
        pay.advance(DAY)

        assert pay.ask("GET", f"{BILLS}/out-bill-no/X1").status_code == 404
        assert pay.ask("GET", f"{BILLS}/out-bill-no/X1", shift=DAY).status_code == 404

    def test_what_this_merchant_does_not_have_is_refused(self, pay: PaySandbox) -> None:
        assert pay.ask("GET", "/certificates").json()["code"] == "SYSTEM_ERROR"
        assert pay.ask("POST", "/transfer/batches", {}).json()["code"] == "NO_AUTH"
        assert pay.ask("GET", "/bill/tradebill?bill_date=2026-01-01").json()["code"] == "NO_STATEMENT_EXIST"


class TestChecks:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"out_bill_no": "A-1"}, "PARAM_ERROR"),
            ({"out_bill_no": "A" * 33}, "PARAM_ERROR"),
            ({"appid": "wxother"}, "INVALID_REQUEST"),
            ({"appid": OA_APPID}, "PARAM_ERROR"),
            ({"openid": "o" * 28}, "PARAM_ERROR"),
            ({"transfer_amount": 9}, "PARAM_ERROR"),
            ({"transfer_amount": True}, "PARAM_ERROR"),
            ({"transfer_amount": "500"}, "PARAM_ERROR"),
            ({"transfer_amount": 300_001}, "INVALID_REQUEST"),
            ({"transfer_amount": 200_000}, "PARAM_ERROR"),
            ({"transfer_amount": 29, "user_name": "x"}, "PARAM_ERROR"),
            ({"user_name": "张三"}, "PARAM_ERROR"),
            ({"transfer_remark": "长" * 33}, "PARAM_ERROR"),
            ({"transfer_scene_id": "1006"}, "INVALID_REQUEST"),
            ({"user_recv_perception": "红包"}, "INVALID_REQUEST"),
            ({"transfer_scene_report_infos": None}, "PARAM_ERROR"),
            ({"transfer_scene_report_infos": [{"info_type": "岗位类型", "info_content": "x"}]}, "PARAM_ERROR"),
            ({"transfer_scene_report_infos": [{"info_type": "岗位类型", "info_content": "x"}] * 2}, "PARAM_ERROR"),
            ({"notify_url": "https://x/?a=1"}, "PARAM_ERROR"),
            ({"notify_url": 5}, "PARAM_ERROR"),
        ],
    )
    def test_a_wrong_request_is_refused_and_makes_no_bill(
        self, pay: PaySandbox, user: dict[str, Any], changes: dict[str, Any], code: str
    ) -> None:
        answer = pay.ask("POST", BILLS, body_of(user, **changes))

        assert answer.json()["code"] == code, answer.text
        assert pay.book()["transfers"] == []

    def test_least_most_and_whole_scene_are_accepted(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        assert created(pay, user, transfer_amount=10, user_recv_perception="劳务报酬")["state"] == "WAIT_USER_CONFIRM"
        assert created(pay, user, transfer_amount=199_999)["package_info"]

    def test_too_many_calls_within_a_second_are_told_to_slow_down(self) -> None:
        with pay_sandbox(per_second=2) as running:
            codes = [running.ask("GET", f"{BILLS}/out-bill-no/X1").json()["code"] for _ in range(5)]

        assert "FREQUENCY_LIMITED" in codes


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

    def test_cancelling_takes_its_time_and_ends_once(self, user: dict[str, Any]) -> None:
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


class TestKeysAndState:
    def test_without_keys_of_ours_the_sandbox_makes_some_and_keeps_them(
        self, start_sim: Callable[..., Sim], config: dict[str, Any], tmp_path: Path
    ) -> None:
        first = start(config, state=tmp_path / "state.sqlite")
        merchant = Sim(first).show("/pay/merchant")
        first.stop()

        again = start_sim(config, state=tmp_path / "state.sqlite")

        assert again.show("/pay/merchant") == merchant
        assert merchant["private_key"].startswith("-----BEGIN PRIVATE KEY")
        assert len(merchant["api_v3_key"]) == 32

    @pytest.mark.parametrize("wrong", [{"serial_no": "1"}, {"key": "x"}, {"scenes": {"1": {}}}, {"balance_fen": -1}])
    def test_half_a_merchant_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigInvalid, match="merchant"):
            parse({"accounts": copy.deepcopy(DEFAULT_ACCOUNTS), "merchant": wrong})
