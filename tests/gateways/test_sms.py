"""Codes by SMS: the sandbox's provider for real, Tencent's SDK against a local stand-in."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from loyalty.gateways.answers import SendReason, SendState
from loyalty.gateways.protocols import SmsSender
from loyalty.gateways.sms.absent import NoSms
from loyalty.gateways.sms.sandbox import SandboxSms
from loyalty.gateways.sms.tencent import TencentSmsSender
from loyalty.settings import TencentSms
from sandbox.defaults import DEFAULT_SMS
from tests.gateways.conftest import Sandbox

PHONE = "+8613800138000"


class TestSandboxSms:
    def test_the_code_lands_on_the_phone(self, sandbox: Sandbox) -> None:
        sender: SmsSender = SandboxSms(sandbox_url=sandbox.url, secret=DEFAULT_SMS["secret"])

        outcome = sender.send_code(phone=PHONE, code="345678")

        assert outcome.state is SendState.ACCEPTED
        assert "345678" in str(sandbox.control(f"/sms?phone={PHONE.replace('+', '%2B')}", method="GET"))

    def test_a_wrong_secret_fails_for_good(self, sandbox: Sandbox) -> None:
        outcome = SandboxSms(sandbox_url=sandbox.url, secret="wrong").send_code(phone=PHONE, code="345678")

        assert outcome.state is SendState.FAILED_FINAL

    def test_no_answer_is_unknown(self) -> None:
        outcome = SandboxSms(sandbox_url="http://127.0.0.1:1", secret="x").send_code(phone=PHONE, code="345678")

        assert (outcome.state, outcome.reason) == (SendState.UNKNOWN, SendReason.NO_ANSWER)


def test_without_a_provider_every_code_fails_for_good() -> None:
    outcome = NoSms().send_code(phone=PHONE, code="345678")

    assert (outcome.state, outcome.reason) == (SendState.FAILED_FINAL, SendReason.NOT_PERMITTED)


class _Tencent(HTTPServer):
    """Answers with what the test put into ``response`` and remembers the requests."""

    response: dict[str, Any]
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict[str, Any]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Tencent

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.headers["Authorization"], body))
        answer = json.dumps({"Response": self.server.response | {"RequestId": "r"}}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        pass


class TestTencentSms:
    @pytest.fixture
    def tencent(self) -> Iterator[_Tencent]:
        server = _Tencent()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.server_close()

    @pytest.fixture
    def sender(self, tencent: _Tencent) -> SmsSender:
        account = TencentSms("id", "key", app_id="1400000000", sign="示例连锁", template_id="449739")
        return TencentSmsSender(account, endpoint=f"127.0.0.1:{tencent.server_port}", scheme="http")

    def test_sends_code_and_minutes_signed(self, tencent: _Tencent, sender: SmsSender) -> None:
        tencent.response = {"SendStatusSet": [{"Code": "Ok", "SerialNo": "5000:1", "PhoneNumber": PHONE}]}

        outcome = sender.send_code(phone=PHONE, code="345678")

        authorization, body = tencent.requests[0]
        assert (outcome.state, outcome.provider_message_id) == (SendState.ACCEPTED, "5000:1")
        assert authorization.startswith("TC3-HMAC-SHA256")
        assert (body["PhoneNumberSet"], body["TemplateParamSet"]) == ([PHONE], ["345678", "5"])

    @pytest.mark.parametrize(
        ("code", "state", "reason"),
        [
            ("LimitExceeded.PhoneNumberThirtySecondLimit", SendState.REFUSED, SendReason.QUOTA_USED),
            ("FailedOperation.PhoneNumberInBlacklist", SendState.REFUSED, SendReason.BLOCKED_BY_RECEIVER),
            ("FailedOperation.InsufficientBalanceInSmsPackage", SendState.FAILED_FINAL, SendReason.NOT_PERMITTED),
            ("InternalError.Timeout", SendState.UNKNOWN, SendReason.NO_ANSWER),
            ("SomethingNew", SendState.FAILED_FINAL, SendReason.OTHER),
        ],
    )
    def test_every_status_has_its_outcome(
        self, tencent: _Tencent, sender: SmsSender, code: str, state: SendState, reason: SendReason
    ) -> None:
        tencent.response = {"SendStatusSet": [{"Code": code, "SerialNo": ""}]}

        outcome = sender.send_code(phone=PHONE, code="345678")

        assert (outcome.state, outcome.reason) == (state, reason)

    def test_a_refused_signature_is_not_permitted(self, tencent: _Tencent, sender: SmsSender) -> None:
        tencent.response = {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "no"}}

        outcome = sender.send_code(phone=PHONE, code="345678")

        assert (outcome.state, outcome.reason) == (SendState.FAILED_FINAL, SendReason.NOT_PERMITTED)

    def test_a_server_error_is_unknown(self, tencent: _Tencent, sender: SmsSender) -> None:
        tencent.response, tencent.status = {}, 500

        assert sender.send_code(phone=PHONE, code="345678").state is SendState.UNKNOWN
