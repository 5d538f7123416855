"""Electronic receipts: asked for at the sandbox, and fetched only as the file that was announced."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.pay_protocols import ReceiptState, TransferOutcome
from loyalty.gateways.wechatpay import WechatPayGateway
from tests.support.pay_sandbox import PaySandbox, merchant_settings, order_of, pay_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PaySandbox]:
    """One of their own, for its clock is moved."""
    with pay_sandbox(per_second=1000) as running:
        yield running


@pytest.fixture
def gateway(sandbox: PaySandbox) -> WechatPayGateway:
    """One whose clock goes with the sandbox's."""

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=sandbox.handle.world.clock.offset())

    return WechatPayGateway(merchant_settings(), notify_url="http://127.0.0.1/x", sandbox_url=sandbox.url, now=now)


@pytest.fixture
def paid(sandbox: PaySandbox, gateway: WechatPayGateway, number: str) -> str:
    """A transfer that carried a name and was taken."""
    user = sandbox.user()
    gateway.create_transfer(order_of(user, number, payee_name="张三"))
    sandbox.confirm(user, number)
    return number


@pytest.fixture
def made(sandbox: PaySandbox, gateway: WechatPayGateway, paid: str) -> str:
    """A transfer whose receipt is made."""
    gateway.apply_receipt(paid)
    sandbox.advance(61)
    return paid


def test_it_is_asked_for_made_and_fetched(sandbox: PaySandbox, gateway: WechatPayGateway, paid: str) -> None:
    applied = [gateway.apply_receipt(paid) for _ in range(2)]
    assert [(told.outcome, told.state) for told in applied] == [(TransferOutcome.TOLD, ReceiptState.GENERATING)] * 2
    assert gateway.fetch_receipt(paid) is None
    sandbox.advance(61)

    assert gateway.query_receipt(paid).state is ReceiptState.FINISHED
    file = gateway.fetch_receipt(paid)

    assert file is not None
    assert paid.encode() in file.content
    assert "PDF" not in repr(file)


def test_nobody_applied_for_it(gateway: WechatPayGateway, paid: str) -> None:
    assert gateway.query_receipt(paid).outcome is TransferOutcome.UNKNOWN_BILL
    assert gateway.fetch_receipt(paid) is None


def test_what_cannot_have_one_is_refused_with_the_platforms_words(
    sandbox: PaySandbox, gateway: WechatPayGateway, number: str
) -> None:
    gateway.create_transfer(order_of(sandbox.user(), number))

    told = gateway.apply_receipt(number)

    assert (told.outcome, told.code) == (TransferOutcome.REFUSED, "INVALID_REQUEST")
    assert "付款成功" in told.message
    assert gateway.apply_receipt("../x").outcome is TransferOutcome.REFUSED


def test_one_that_failed_says_why(sandbox: PaySandbox, gateway: WechatPayGateway, paid: str) -> None:
    sandbox.fault(target="transfer", event="receipt", path=paid, fail_reason="系统错误")
    gateway.apply_receipt(paid)
    sandbox.advance(61)

    told = gateway.query_receipt(paid)

    assert (told.state, told.fail_reason) == (ReceiptState.FAILED, "系统错误")


@pytest.mark.parametrize(
    "fault",
    [{"drop": "after"}, {"code": "SYSTEM_ERROR"}, {"signature": "wrong"}, {"signature": "none"},
     {"set": {"state": "NEW"}}, {"body": "no json"}, {"http": 502}],
)  # fmt: skip
def test_whatever_goes_wrong_with_a_call_says_nothing(
    sandbox: PaySandbox, gateway: WechatPayGateway, paid: str, fault: dict[str, object]
) -> None:
    calls: list[Callable[[str], object]] = [gateway.apply_receipt, gateway.query_receipt]
    for call in calls:
        sandbox.fault(path="elecsign", **fault)

        assert getattr(call(paid), "outcome") is TransferOutcome.UNCLEAR  # noqa: B009


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("elecsign", {"set": {"hash_value": "0" * 64}}),
        ("elecsign", {"set": {"hash_value": "short"}}),
        ("elecsign", {"set": {"hash_type": "SM3"}}),
        ("elecsign", {"set": {"download_url": "http://127.0.0.1:1/v3/transferdownload/elecvoucherfile?token=x"}}),
        ("elecsign", {"unset": ["download_url"]}),
        ("elecsign", {"drop": "after"}),
        ("elecvoucherfile", {"truncate": 20}),
        ("elecvoucherfile", {"drop": "after"}),
        ("elecvoucherfile", {"code": "NO_STATEMENT_EXIST"}),
    ],
)
def test_a_file_that_is_not_the_announced_one_is_never_handed_out(
    sandbox: PaySandbox, gateway: WechatPayGateway, made: str, path: str, fault: dict[str, object]
) -> None:
    sandbox.fault(path=path, **fault)

    with pytest.raises(WechatUnavailable):
        gateway.fetch_receipt(made)

    assert gateway.fetch_receipt(made) is not None
