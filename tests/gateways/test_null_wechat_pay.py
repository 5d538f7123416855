"""The stand-in of WeChat Pay keeps bills as the platform does, so that payouts can be tested against it."""

from typing import Any

import pytest

from loyalty.gateways.null_pay import NullWechatPay
from loyalty.gateways.pay_protocols import TransferAnswer, TransferOutcome, TransferState, WechatPay
from sandbox.defaults import MP_APPID
from tests.support.pay_sandbox import order_of

USER: dict[str, Any] = {"openids": {MP_APPID: "openid-1"}}
UNCLEAR = TransferAnswer(TransferOutcome.UNCLEAR, code="ConnectionError")


def test_a_bill_is_made_once_and_told_until_it_ends() -> None:
    null = NullWechatPay()
    pay: WechatPay = null
    first, again = (pay.create_transfer(order_of(USER, "B1")) for _ in range(2))
    null.end("B1", TransferState.FAIL, fail_reason="OVERDUE_CLOSE")

    told = pay.query_transfer("B1")

    assert first == again
    assert first.package_info
    assert (told.state, told.fail_reason, told.amount_fen) == (TransferState.FAIL, "OVERDUE_CLOSE", 1234)
    assert [order.out_bill_no for order in null.orders] == ["B1", "B1"]


@pytest.mark.parametrize(
    ("loses_answers", "known"), [(True, TransferOutcome.TOLD), (False, TransferOutcome.UNKNOWN_BILL)]
)
def test_an_unclear_create_was_applied_or_not_as_told(loses_answers: bool, known: TransferOutcome) -> None:
    pay = NullWechatPay(loses_answers=loses_answers)
    pay.create_answers.append(UNCLEAR)

    assert pay.create_transfer(order_of(USER, "B1")) == UNCLEAR
    assert pay.query_transfer("B1").outcome is known
    assert pay.create_transfer(order_of(USER, "B1")).state is TransferState.WAIT_USER_CONFIRM


def test_a_cancelled_bill_is_on_its_way_back_until_its_end_is_told() -> None:
    pay = NullWechatPay()
    pay.create_transfer(order_of(USER, "B1"))

    assert pay.cancel_transfer("B1").state is TransferState.CANCELING
    assert pay.cancel_transfer("B2").outcome is TransferOutcome.UNKNOWN_BILL
