"""What WeChat Pay's door checks of a request: who signed it, when, and whether it may be done at all."""

from typing import Any

import pytest

from sandbox.defaults import OA_APPID
from tests.sandbox.driver import Sim
from tests.support.pay_sandbox import BILLS, PaySandbox, pay_sandbox
from tests.support.transfer_bills import body_of, created

DAY = 86400


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
        made = pay.ask("POST", BILLS, body_of(user))
        header = {"Authorization": made.request.headers["Authorization"]}
        path = f"/api.mch.weixin.qq.com/v3{BILLS}"
        assert Sim(pay.handle).http("POST", path, headers=header, json=body_of(user)).status_code == 401

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
