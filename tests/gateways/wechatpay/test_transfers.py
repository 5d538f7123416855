"""What each answer of WeChat Pay means, asked of the sandbox over HTTP."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty.gateways.pay_protocols import TransferOutcome, TransferState, WechatPay
from loyalty.gateways.wechatpay import WechatPayGateway
from loyalty.kernel import logs
from tests.support.pay_sandbox import BILLS, PaySandbox, merchant_settings, order_of

NAME = "欧阳小林"


@pytest.fixture(scope="module")
def user(sandbox: PaySandbox) -> dict[str, Any]:
    return sandbox.user()


def test_a_transfer_waits_for_its_user_and_is_told_as_paid_once_confirmed(
    gateway: WechatPay, sandbox: PaySandbox, user: dict[str, Any], number: str
) -> None:
    made = gateway.create_transfer(order_of(user, number))
    assert (made.outcome, made.state) == (TransferOutcome.TOLD, TransferState.WAIT_USER_CONFIRM)
    assert made.package_info
    assert made.package_info not in repr(made)

    sandbox.confirm(user, number)

    told = gateway.query_transfer(number)
    assert (told.state, told.amount_fen, told.openid) == (TransferState.SUCCESS, 1234, order_of(user, number).openid)
    assert told.transfer_bill_no == made.transfer_bill_no
    assert told.package_info is None


def test_the_same_number_again_shows_the_same_bill_and_other_parameters_are_refused(
    gateway: WechatPay, user: dict[str, Any], number: str
) -> None:
    first, again = (gateway.create_transfer(order_of(user, number)) for _ in range(2))
    other = gateway.create_transfer(order_of(user, number, amount_fen=99))

    assert again == first
    assert (other.outcome, other.code) == (TransferOutcome.REFUSED, "ALREADY_EXISTS")


def test_a_name_travels_encrypted_and_reads_the_same_each_time(
    gateway: WechatPay, sandbox: PaySandbox, user: dict[str, Any], number: str
) -> None:
    order = order_of(user, number, amount_fen=200_000, payee_name=NAME)
    assert [gateway.create_transfer(order).outcome for _ in range(2)] == [TransferOutcome.TOLD] * 2

    sent = [call["body"] for call in sandbox.calls(BILLS) if number in call["body"]]
    assert len(sent) == 2
    assert sent[0] != sent[1]
    assert NAME not in "".join(sent)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_fen": 29, "payee_name": NAME}, "LOCAL_NAME_TOO_EARLY"),
        ({"amount_fen": 200_000}, "LOCAL_NAME_MISSING"),
        ({"out_bill_no": "../certificates"}, "LOCAL_BAD_NUMBER"),
        ({"out_bill_no": "A" * 33}, "LOCAL_BAD_NUMBER"),
    ],
)
def test_what_the_library_would_bend_is_refused_before_it_is_sent(
    gateway: WechatPay, sandbox: PaySandbox, user: dict[str, Any], number: str, changes: dict[str, Any], code: str
) -> None:
    before = len(sandbox.calls("/v3/"))

    answer = gateway.create_transfer(order_of(user, **{"out_bill_no": number, **changes}))

    assert (answer.outcome, answer.code) == (TransferOutcome.REFUSED, code)
    assert len(sandbox.calls("/v3/")) == before


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"code": "PARAM_ERROR"}, TransferOutcome.REFUSED),
        ({"code": "INVALID_REQUEST", "errmsg": "此IP地址不允许调用接口"}, TransferOutcome.REFUSED),
        ({"code": "NO_AUTH"}, TransferOutcome.REFUSED),
        ({"code": "SIGN_ERROR"}, TransferOutcome.REFUSED),
        ({"code": "NOT_ENOUGH"}, TransferOutcome.NOT_ENOUGH),
        ({"code": "FREQUENCY_LIMITED"}, TransferOutcome.BUSY),
        ({"code": "FREQUENCY_LIMIT"}, TransferOutcome.BUSY),
        ({"code": "FREQUENCY_LIMIT_EXCEED"}, TransferOutcome.BUSY),
        ({"code": "RATELIMIT_EXCEEDED"}, TransferOutcome.BUSY),
        ({"code": "SYSTEM_ERROR"}, TransferOutcome.UNCLEAR),
        ({"code": "PARAM_ERROR", "http": 500}, TransferOutcome.UNCLEAR),
        ({"code": "USER_ERROR"}, TransferOutcome.UNCLEAR),
        ({"code": "SOMETHING_NEW"}, TransferOutcome.UNCLEAR),
        ({"http": 429}, TransferOutcome.UNCLEAR),
        ({"http": 502, "body": "<html>Bad Gateway</html>"}, TransferOutcome.UNCLEAR),
        ({"http": 200, "body": "<html>portal of a hotel</html>"}, TransferOutcome.UNCLEAR),
        ({"drop": "before"}, TransferOutcome.UNCLEAR),
        ({"drop": "after"}, TransferOutcome.UNCLEAR),
        ({"truncate": 20}, TransferOutcome.UNCLEAR),
        ({"set": {"state": "NEW_STATE"}}, TransferOutcome.UNCLEAR),
        ({"set": {"state": ["FAIL"]}}, TransferOutcome.UNCLEAR),
        ({"set": {"out_bill_no": "ANOTHER"}}, TransferOutcome.UNCLEAR),
        ({"unset": ["state"]}, TransferOutcome.UNCLEAR),
        ({"signature": "wrong"}, TransferOutcome.UNCLEAR),
        ({"signature": "none"}, TransferOutcome.UNCLEAR),
        ({"signature": "serial"}, TransferOutcome.UNCLEAR),
        ({"signature": "signtest"}, TransferOutcome.UNCLEAR),
        ({"timestamp_shift": -400}, TransferOutcome.UNCLEAR),
    ],
)
def test_every_answer_to_a_create_has_its_outcome(
    gateway: WechatPay,
    sandbox: PaySandbox,
    user: dict[str, Any],
    number: str,
    fault: dict[str, Any],
    outcome: TransferOutcome,
) -> None:
    sandbox.fault(method="POST", path=f"{BILLS}$", **fault)

    answer = gateway.create_transfer(order_of(user, number))

    assert answer.outcome is outcome
    assert sandbox.calls("/v3/certificates") == [], "an unknown serial made us call"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"code": "NOT_FOUND"}, TransferOutcome.UNKNOWN_BILL),
        ({"code": "NOT_FOUND", "http": 400}, TransferOutcome.UNCLEAR),
        ({"http": 404, "body": "<html>Not Found</html>"}, TransferOutcome.UNCLEAR),
        ({"code": "NO_AUTH"}, TransferOutcome.UNCLEAR),
        ({"code": "SIGN_ERROR"}, TransferOutcome.UNCLEAR),
        ({"code": "FREQUENCY_LIMITED"}, TransferOutcome.BUSY),
        ({"set": {"mch_id": "1900000009"}}, TransferOutcome.UNCLEAR),
        ({"signature": "wrong"}, TransferOutcome.UNCLEAR),
    ],
)
def test_a_query_never_takes_a_failure_for_a_missing_bill(
    gateway: WechatPay,
    sandbox: PaySandbox,
    user: dict[str, Any],
    number: str,
    fault: dict[str, Any],
    outcome: TransferOutcome,
) -> None:
    gateway.create_transfer(order_of(user, number))
    sandbox.fault(path=f"out-bill-no/{number}$", **fault)

    assert gateway.query_transfer(number).outcome is outcome
    assert gateway.query_transfer(number).outcome is TransferOutcome.TOLD


def test_an_answer_lost_after_it_was_applied_leaves_one_bill(
    gateway: WechatPay, sandbox: PaySandbox, user: dict[str, Any], number: str
) -> None:
    assert gateway.query_transfer(number).outcome is TransferOutcome.UNKNOWN_BILL
    sandbox.fault(path=f"{BILLS}$", drop="after")
    order = order_of(user, number)

    assert gateway.create_transfer(order).outcome is TransferOutcome.UNCLEAR
    assert gateway.query_transfer(number).state is TransferState.WAIT_USER_CONFIRM
    assert gateway.create_transfer(order).outcome is TransferOutcome.TOLD
    taken = [flow for flow in sandbox.book()["flows"] if flow["out_bill_no"] == number]
    assert [flow["amount"] for flow in taken] == [-1234]


def test_a_bill_is_cancelled_before_its_user_confirms_and_not_after(
    gateway: WechatPay, sandbox: PaySandbox, user: dict[str, Any], number: str
) -> None:
    assert gateway.cancel_transfer(number).outcome is TransferOutcome.UNKNOWN_BILL
    gateway.create_transfer(order_of(user, number))
    assert gateway.cancel_transfer(number).state is TransferState.CANCELING
    assert gateway.query_transfer(number).state is TransferState.CANCELLED
    paid = f"{number}P"
    gateway.create_transfer(order_of(user, paid))
    sandbox.confirm(user, paid)

    refused = gateway.cancel_transfer(paid)

    assert (refused.outcome, refused.code) == (TransferOutcome.REFUSED, "INVALID_REQUEST")


def test_an_answer_that_is_late_by_our_clock_is_not_believed(
    make_gateway: Callable[..., WechatPayGateway], user: dict[str, Any], number: str
) -> None:
    later = make_gateway(now=lambda: datetime.now(UTC) + timedelta(minutes=6))

    assert later.create_transfer(order_of(user, number)).outcome is TransferOutcome.UNCLEAR
    assert make_gateway().query_transfer(number).outcome is TransferOutcome.TOLD


def test_nobody_listening_is_unclear(user: dict[str, Any], number: str) -> None:
    gateway = WechatPayGateway(
        merchant_settings(),
        notify_url="http://127.0.0.1/x",
        sandbox_url="http://127.0.0.1:1",
        now=lambda: datetime.now(UTC),
    )

    assert gateway.create_transfer(order_of(user, number)).outcome is TransferOutcome.UNCLEAR
    assert gateway.query_transfer(number).outcome is TransferOutcome.UNCLEAR


def test_the_log_holds_the_number_and_the_code_and_nothing_of_a_person(
    gateway: WechatPay,
    sandbox: PaySandbox,
    user: dict[str, Any],
    number: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("WARNING")
    sandbox.fault(path=f"{BILLS}$", code="NOT_ENOUGH")
    order = order_of(user, number, amount_fen=3000, payee_name=NAME)

    gateway.create_transfer(order)

    logged = capsys.readouterr().out
    (line,) = [json.loads(line) for line in logged.splitlines() if "wechatpay_answer" in line]
    assert (line["out_bill_no"], line["error_code"]) == (number, "NOT_ENOUGH")
    assert order.openid not in logged
    assert NAME not in logged + repr(order)
