"""The confirmation of a transfer on the phone: as a page, as a sheet, and asked for by a web page."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, expect

from sandbox.defaults import MP_APPID
from tests.support.pay_sandbox import MCH_ID, PaySandbox, pay_sandbox
from tests.support.transfer_bills import created


@pytest.fixture
def pay() -> Iterator[PaySandbox]:
    with pay_sandbox() as running:
        yield running


@pytest.fixture
def user(pay: PaySandbox) -> dict[str, Any]:
    return pay.user(nickname="小林")


def _transfer(pay: PaySandbox, user: dict[str, Any], number: str) -> dict[str, str]:
    """A bill that waits; what its client opens it with."""
    answer = created(pay, user, out_bill_no=number, transfer_amount=1234)
    return {"mchId": MCH_ID, "appId": MP_APPID, "package": answer["package_info"]}


class TestPage:
    def _ask(self, pay: PaySandbox, user: dict[str, Any] | None, method: str, given: dict[str, str]) -> str:
        where = {"params" if method == "GET" else "data": given}
        cookies = {"sim_user": str(user["id"])} if user else {}
        return requests.request(method, f"{pay.url}/phone/transfer", cookies=cookies, timeout=10, **where).text

    def test_it_shows_the_amount_and_takes_it_once(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        given = _transfer(pay, user, "P1")
        assert "¥12.34" in self._ask(pay, user, "GET", given)

        assert "收款成功" in self._ask(pay, user, "POST", given)
        assert "你已收款" in self._ask(pay, user, "POST", given)
        assert pay.bill("P1")["state"] == "SUCCESS"

    def test_nobody_else_takes_it_and_nobody_after_a_day(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        given = _transfer(pay, user, "P1")
        assert "收款微信号不一致" in self._ask(pay, pay.user(), "POST", given)
        assert "选择一个微信用户" in self._ask(pay, None, "GET", given)
        assert "不存在" in self._ask(pay, user, "GET", {})
        pay.advance(86401)

        assert "过期" in self._ask(pay, user, "GET", given)

    def test_why_it_failed_is_said(self, pay: PaySandbox, user: dict[str, Any]) -> None:
        pay.fault(target="transfer", event="confirm", fail_reason="ACCOUNT_FROZEN")

        assert "ACCOUNT_FROZEN" in self._ask(pay, user, "POST", _transfer(pay, user, "P1"))


@pytest.mark.browser
class TestPhone:
    @pytest.fixture
    def phone(self, context: BrowserContext, pay: PaySandbox, user: dict[str, Any]) -> Iterator[Page]:
        context.add_cookies([{"name": "sim_user", "value": str(user["id"]), "url": pay.url}])
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{pay.url}/#/me")
        page.wait_for_selector("body[data-ready=true]")
        yield page
        assert problems == []

    def test_the_wallet_shows_what_waits_and_what_was_taken(
        self, phone: Page, pay: PaySandbox, user: dict[str, Any]
    ) -> None:
        _transfer(pay, user, "P1")
        phone.get_by_test_id("open-wallet").click()
        phone.get_by_test_id("transfer-P1").click()
        phone.get_by_test_id("transfer-cancel").click()
        expect(phone.get_by_test_id("transfer-P1")).to_contain_text("待收款")

        phone.get_by_test_id("transfer-P1").click()
        expect(phone.get_by_test_id("transfer-amount")).to_have_text("¥12.34")
        phone.get_by_test_id("transfer-take").click()

        expect(phone.get_by_test_id("wallet-balance")).to_have_text("¥12.34")
        expect(phone.get_by_test_id("transfer-P1")).to_contain_text("已收款")
        assert pay.bill("P1")["state"] == "SUCCESS"

    @pytest.mark.parametrize(
        ("is_mine", "button", "told"),
        [(True, "transfer-take", "requestMerchantTransfer:ok"), (True, "transfer-cancel", ":cancel"),
         (False, None, "收款微信号不一致")],
    )  # fmt: skip
    def test_a_client_hears_how_it_ended(
        self, phone: Page, pay: PaySandbox, user: dict[str, Any], is_mine: bool, button: str | None, told: str
    ) -> None:
        given = _transfer(pay, user if is_mine else pay.user(), "P1")

        phone.evaluate(
            """async (given) => {
              const { requestTransfer } = await import("/phone/static/js/screens/transfer-sheet.js");
              requestTransfer(given).then(
                () => { document.body.dataset.told = "requestMerchantTransfer:ok"; },
                (refused) => { document.body.dataset.told = refused.errMsg; });
            }""",
            given,
        )
        if button:
            phone.get_by_test_id(button).click()

        expect(phone.locator("body")).to_have_attribute("data-told", re.compile(told))
