"""Callbacks as the sandbox sends them, right and spoiled."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty.gateways.pay_protocols import NoticeRefused, TransferNotice, TransferState
from loyalty.gateways.wechatpay import WechatPayGateway
from tests.support.pay_sandbox import API_V3_KEY, Merchant, PaySandbox, order_of


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def pay_somebody(gateway: WechatPayGateway, sandbox: PaySandbox, number: str) -> Callable[[], str]:
    """Has a bill made and confirmed, so that a callback is owed."""

    def pay() -> str:
        user = sandbox.user()
        gateway.create_transfer(order_of(user, number))
        sandbox.confirm(user, number)
        return number

    return pay


def test_a_callback_tells_the_end_of_its_bill(
    gateway: WechatPayGateway, backend: Merchant, pay_somebody: Callable[[], str]
) -> None:
    number = pay_somebody()
    headers, body = backend.wait_for(1)[0]

    notice = gateway.read_notice({name.upper(): value for name, value in headers.items()}, body, at=_now())

    assert (notice.out_bill_no, notice.state, notice.amount_fen) == (number, TransferState.SUCCESS, 1234)
    assert notice.fail_reason is None
    assert notice.openid not in repr(notice)


def test_why_a_transfer_failed_is_told(
    gateway: WechatPayGateway, sandbox: PaySandbox, backend: Merchant, pay_somebody: Callable[[], str]
) -> None:
    sandbox.fault(target="transfer", event="confirm", fail_reason="REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED")
    pay_somebody()

    notice = gateway.read_notice(*backend.wait_for(1)[0], at=_now())

    assert (notice.state, notice.fail_reason) == (TransferState.FAIL, "REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"signature": "wrong"}, "signature"),
        ({"signature": "signtest"}, "signature"),
        ({"signature": "serial"}, "serial"),
        ({"signature": "none"}, "signature type"),
        ({"timestamp_shift": -301}, "age"),
        ({"timestamp_shift": 310}, "age"),
        ({"key": "wrong"}, "key"),
        ({"set": {"mch_id": "1900000009"}}, "merchant"),
        ({"set": {"state": "WAIT_USER_CONFIRM"}}, "state"),
        ({"set": {"state": "NEW_STATE"}}, "content"),
        ({"set": {"transfer_amount": "1234"}}, "amount"),
        ({"unset": ["out_bill_no"]}, "content"),
    ],
)
def test_a_spoiled_callback_is_refused_without_a_call_and_the_right_one_follows(
    gateway: WechatPayGateway,
    sandbox: PaySandbox,
    backend: Merchant,
    pay_somebody: Callable[[], str],
    fault: dict[str, Any],
    reason: str,
) -> None:
    backend.status = 401
    sandbox.fault(target="notify", path=backend.url, **fault)
    number = pay_somebody()
    spoiled, right = backend.wait_for(2)[:2]
    backend.status = 204

    with pytest.raises(NoticeRefused, match=f"^{reason}$"):
        gateway.read_notice(*spoiled, at=_now())

    assert gateway.read_notice(*right, at=_now()).out_bill_no == number
    assert sandbox.calls("/v3/certificates") == []


def test_a_callback_of_another_merchant_key_or_another_day_is_refused(
    gateway: WechatPayGateway,
    make_gateway: Callable[..., WechatPayGateway],
    backend: Merchant,
    pay_somebody: Callable[[], str],
) -> None:
    pay_somebody()
    headers, body = backend.wait_for(1)[0]

    def refusal(reader: WechatPayGateway, body: bytes = body, at: datetime | None = None) -> str:
        with pytest.raises(NoticeRefused) as refused:
            reader.read_notice(headers, body, at=at or _now())
        return str(refused.value)

    assert refusal(make_gateway(api_v3_key=API_V3_KEY[::-1])) == "key"
    assert refusal(gateway, at=_now() + timedelta(days=1)) == "age"
    assert refusal(gateway, body + b" ") == "signature"
    assert refusal(gateway, b"\xff") == "encoding"


def test_a_replayed_callback_reads_the_same_so_that_it_can_be_told_by_its_id(
    gateway: WechatPayGateway, sandbox: PaySandbox, backend: Merchant, pay_somebody: Callable[[], str]
) -> None:
    sandbox.fault(target="notify", path=backend.url, duplicate=1, replay=1)
    pay_somebody()

    letters = backend.wait_for(3)

    read: list[TransferNotice] = [gateway.read_notice(*letter, at=_now()) for letter in letters]
    assert len({notice.notice_id for notice in read}) == 1
    assert len({headers["Wechatpay-Nonce"] for headers, _body in letters}) == 1
