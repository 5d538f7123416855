"""The daily fund bill: fetched from the sandbox, and read whatever it holds."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.wechatpay import WechatPayGateway, bills
from tests.support.pay_sandbox import PaySandbox, merchant_settings, order_of, pay_sandbox

HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FOOT = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`1.0,`0.0,`0.00,`1.0,`12.34"


def _line(*, name: str = "商家转账", direction: str = "支出", yuan: str = "12.34") -> str:
    return f"`2026-03-10 23:59:59,`1330001,`42,`{name},`转账,`{direction},`{yuan},`1.00,`API,`a,`B0001"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PaySandbox]:
    """One of their own, for its clock is moved."""
    with pay_sandbox() as running:
        yield running


class TestReading:
    def test_transfers_and_returns_are_told_by_number_and_other_business_is_left_out(self) -> None:
        lines = [_line(), _line(direction="收入", yuan="0.1"), _line(name="充值/提现", direction="收入")]

        out, back = bills.read("\r\n".join([HEAD, *lines, FOOT]))

        assert (out.out_bill_no, out.transfer_bill_no, out.amount_fen, out.is_return) == (
            "B0001",
            "1330001",
            1234,
            False,
        )
        assert (back.amount_fen, back.is_return) == (10, True)
        assert out.booked_at == datetime(2026, 3, 10, 15, 59, 59, tzinfo=UTC)

    def test_a_business_nobody_has_heard_of_is_not_passed_over(self) -> None:
        assert len(bills.read("\n".join([HEAD, _line(name="新业务"), FOOT]))) == 1

    @pytest.mark.parametrize(
        "text",
        ["", HEAD.replace("业务凭证号", "凭证"), f"{HEAD}\n{_line(yuan='12.345')}", f"{HEAD}\n{_line(direction='?')}",
         f"{HEAD}\n`2026-03-10"],
    )  # fmt: skip
    def test_a_table_that_is_not_as_described_is_an_error(self, text: str) -> None:
        with pytest.raises(WechatUnavailable):
            bills.read(text)

    def test_a_file_with_another_digest_is_an_error(self) -> None:
        with pytest.raises(WechatUnavailable):
            bills.unpack(b"not gzip", sha1="0" * 40)


class TestFetching:
    @pytest.fixture
    def gateway(self, sandbox: PaySandbox) -> WechatPayGateway:
        def now() -> datetime:
            return datetime.now(UTC) + timedelta(seconds=sandbox.handle.world.clock.offset())

        return WechatPayGateway(merchant_settings(), notify_url="http://127.0.0.1/x", sandbox_url=sandbox.url, now=now)

    @pytest.fixture
    def today(self, sandbox: PaySandbox) -> Callable[[], date]:
        return lambda: datetime.fromisoformat(sandbox.control("/clock", method="GET")["now"]).date()

    def test_the_bill_of_a_day_is_there_the_next_morning(
        self, sandbox: PaySandbox, gateway: WechatPayGateway, today: Callable[[], date], number: str
    ) -> None:
        user, day = sandbox.user(), today()
        sandbox.control("/pay/top-up", {"amount_fen": 5})
        gateway.create_transfer(order_of(user, number))
        assert gateway.fetch_bill(day) is None
        sandbox.advance(2 * 86400)

        lines = gateway.fetch_bill(day)

        assert lines is not None
        assert {line.amount_fen for line in lines} == {1234}
        assert [line.is_return for line in lines if line.out_bill_no == number] == [False]
        sandbox.advance(2 * 86400)
        later = gateway.fetch_bill(day + timedelta(days=2))
        assert later is not None
        assert [line.is_return for line in later if line.out_bill_no == number] == [True], "nobody confirmed it"

    def test_a_day_on_which_nothing_moved_has_no_bill_and_is_not_taken_for_an_empty_one(
        self, sandbox: PaySandbox, gateway: WechatPayGateway, today: Callable[[], date]
    ) -> None:
        sandbox.advance(5 * 86400)

        assert gateway.fetch_bill(today() - timedelta(days=2)) is None

    def test_a_bill_that_is_being_made_is_not_there_yet(
        self, sandbox: PaySandbox, gateway: WechatPayGateway, today: Callable[[], date]
    ) -> None:
        sandbox.advance(5 * 86400)
        sandbox.fault(path="fundflowbill", code="STATEMENT_CREATING")

        assert gateway.fetch_bill(today() - timedelta(days=2)) is None

    @pytest.mark.parametrize(
        "fault",
        [{"drop": "after"}, {"code": "SYSTEM_ERROR"}, {"signature": "wrong"}, {"set": {"hash_value": "0" * 40}},
         {"set": {"download_url": "http://127.0.0.1:1/v3/billdownload/file?token=x"}}, {"unset": ["hash_value"]}],
    )  # fmt: skip
    def test_whatever_goes_wrong_is_unavailable(
        self,
        sandbox: PaySandbox,
        gateway: WechatPayGateway,
        today: Callable[[], date],
        number: str,
        fault: dict[str, object],
    ) -> None:
        day = today()
        gateway.create_transfer(order_of(sandbox.user(), number))
        sandbox.advance(2 * 86400)
        sandbox.fault(path="fundflowbill", **fault)

        with pytest.raises(WechatUnavailable):
            gateway.fetch_bill(day)
