"""The real system, once for all browser tests of a process, and browsers for those who use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.demo.staff import PASSWORD
from tests.browser.people import Person, bind_phone, hold_phone, most_active_demo_member, new_person
from tests.browser.system import System, running_system
from tests.support.browser import TIMEOUT_MS, Problems, chromium, new_context
from trial.environment import OA_APPID

PHONE, DESK = (375, 760), (1280, 800)
expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them all, so that they can be chosen or left out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Everything that ``make run`` starts, with the demo chain."""
    chromium()
    with running_system(tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest.fixture
def problems() -> Iterator[Problems]:
    """What went wrong on the pages of the test; it fails the test at its end."""
    found = Problems()
    yield found
    assert found.seen == []


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A phone without a past."""
    context = new_context(browser, width=PHONE[0], height=PHONE[1])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page as wide as a phone."""
    return context.new_page()


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """A page as wide as a desk."""
    context = new_context(browser, width=DESK[0], height=DESK[1])
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def regular(system: System) -> Person:
    """A fan whose phone is that of the demo member who did most of late."""
    member = most_active_demo_member()
    person = new_person(system, nickname=member.nickname or "", phone=member.phone)
    system.control("POST", f"/users/{person.id}/follow", appid=OA_APPID)
    return person


@pytest.fixture(scope="session")
def regular_cookies(system: System, regular: Person, browser: Browser) -> list[dict[str, object]]:
    """The cookies of the browser in which the regular has bound their phone."""
    context = new_context(browser, width=PHONE[0], height=PHONE[1])
    hold_phone(context, system, regular)
    page = context.new_page()
    page.goto(f"{system.web}/h5/")
    bind_phone(page, system, regular)
    expect(page.get_by_test_id("balance")).to_be_visible()
    cookies = [dict(cookie) for cookie in context.cookies()]
    context.close()
    return cookies


@pytest.fixture(scope="session")
def staff_cookies(system: System, browser: Browser) -> list[dict[str, object]]:
    """The cookies of the browser in which the head of headquarters has logged in."""
    context = new_context(browser, width=DESK[0], height=DESK[1])
    log_in(context.new_page(), system)
    cookies = [dict(cookie) for cookie in context.cookies()]
    context.close()
    return cookies


def log_in(page: Page, system: System, username: str = "hq_admin") -> None:
    """Log in to the console as one of the demo staff."""
    page.goto(f"{system.web}/console/login")
    page.get_by_label("登录名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
