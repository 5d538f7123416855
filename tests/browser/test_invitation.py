"""From an invitation to money in the wallet, on two phones: what a member does who brings a friend."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.conftest import PHONE
from tests.browser.people import bind_phone, hold_phone, new_person
from tests.browser.system import System
from tests.journeys.money import Books, books_of
from tests.support.browser import Problems, new_context
from trial.processes import wait_until

CARD = "/h5/"


@pytest.fixture
def books(system: System) -> Iterator[Books]:
    with books_of(system) as opened:
        opened.trust_this_computer()
        opened.set_plan()
        yield opened


@pytest.fixture
def friend(browser: Browser) -> Iterator[Page]:
    """A second phone."""
    context = new_context(browser, width=PHONE[0], height=PHONE[1])
    yield context.new_page()
    context.close()


def scan(phone: Page, system: System, address: str) -> FrameLocator:
    """Open an address in WeChat's browser by its QR code."""
    phone.goto(f"{system.sandbox}/#/scan")
    phone.get_by_test_id("scan-text").fill(address)
    phone.get_by_test_id("scan-submit").click()
    return phone.frame_locator("[data-testid=web-frame]")


def has_friend(sharer: Page, system: System) -> bool:
    sharer.goto(f"{system.web}/h5/invitations")
    return sharer.get_by_test_id("friend").count() == 1


def test_a_friend_who_buys_becomes_money_in_the_wallet(
    page: Page, friend: Page, system: System, books: Books, problems: Problems
) -> None:
    problems.watch(page)
    inviting, invited = (
        new_person(system, nickname=name, phone=f"+86139000007{number:02d}")
        for number, name in enumerate(("小邀", "小友"), start=1)
    )
    hold_phone(page.context, system, inviting)
    hold_phone(friend.context, system, invited)

    web = scan(page, system, f"{system.web}/h5/invitations")
    bind_phone(web, system, inviting)
    link = web.get_by_test_id("link").inner_text()

    opened = scan(friend, system, link)
    opened.get_by_test_id("join").click()
    bind_phone(opened, system, invited)
    expect(opened.get_by_role("status")).to_contain_text("入会成功")
    assert wait_until(lambda: has_friend(page, system), within_seconds=20)
    friend.goto(system.web + CARD)
    number = friend.get_by_label("会员卡").locator(".foot span").first.inner_text().removeprefix("会员号 ")
    books.buy(number, 20_000)
    books.settle_commissions()

    web = scan(page, system, f"{system.web}/h5/earnings")
    expect(web.get_by_test_id("available")).to_have_text("¥20.00")
    web.get_by_test_id("withdraw").click()
    web.get_by_label("金额（元）").fill("20")
    web.get_by_test_id("ask").click()
    expect(web.get_by_test_id("confirm")).to_be_enabled(timeout=20_000)
    web.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("transfer-amount")).to_have_text("¥20.00")
    page.get_by_test_id("transfer-take").click()
    expect(web.get_by_test_id("told")).to_contain_text("已到账", timeout=20_000)

    page.goto(f"{system.sandbox}/#/wallet")
    expect(page.get_by_test_id("wallet-balance")).to_have_text("¥20.00")
    assert system.control("GET", "/pay/alarms") == []
