"""A clerk's phone at the till: scanning in WeChat, typing without script, and every page as people see it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from portal.demo.clerk import NICKNAME
from portal.demo.coupon_templates import FOR_POINTS
from tests.browser import looks
from tests.browser.conftest import PHONE, log_in
from tests.browser.people import Person, hold_phone, new_person
from tests.browser.system import System
from tests.support.browser import Problems, new_context

THUMB_PX = 36


@pytest.fixture(scope="module")
def clerk(system: System) -> Person:
    """The person of the simulated platform whom the demo has bound to the clerk's account."""
    found = next(person for person in system.control("GET", "/users") if person["nickname"] == NICKNAME)
    return Person(found["id"], found["phone"])


@pytest.fixture
def guest(browser: Browser, regular_cookies: list[dict[str, object]]) -> Iterator[Page]:
    """The phone of a member who has coupons."""
    context = new_context(browser, width=PHONE[0], height=PHONE[1])
    context.add_cookies(regular_cookies)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def digits_on(page: Page, path: str, test_id: str) -> str:
    page.goto(path)
    return "".join(page.get_by_test_id(test_id).inner_text().split())


def coupon_code(guest: Page, system: System) -> str:
    """The rotating code of a coupon that the member can use now; unlike theirs it can be read more than once."""
    guest.goto(f"{system.web}/h5/coupons")
    paths = {link.get_attribute("href") or "" for link in guest.locator("main a").all()}
    for path in sorted(path for path in paths if re.fullmatch(r"/h5/coupons/\d+", path)):
        guest.goto(system.web + path)
        if guest.get_by_test_id("coupon-code").count():
            return "".join(guest.get_by_test_id("coupon-code").inner_text().split())
    raise AssertionError("the member has no coupon to use now")


def take(page: Page | FrameLocator) -> None:
    """Send the form of the coupon's page, with an amount where one is asked for."""
    expect(page.get_by_test_id("redeem")).to_be_visible()
    for name in ("piece", "goods"):
        if page.locator(f"input[name={name}]").count():
            page.locator(f"input[name={name}]").fill("300")
    page.get_by_test_id("redeem").click()
    expect(page.get_by_test_id("outcome")).to_have_text("核销成功")


def undo(page: Page | FrameLocator) -> None:
    """Undo what was taken, so that the member's coupon is there for other tests."""
    page.locator("details.undo > summary").click()
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("outcome")).to_have_text("本次核销已撤销")


def exchange(guest: Page, system: System, title: str) -> None:
    """Let the member get a coupon for points, which goes with others."""
    guest.goto(f"{system.web}/h5/coupon-centre")
    guest.get_by_role("link", name=f"查看 {title}").click()
    guest.get_by_test_id("claim").click()
    expect(guest.get_by_role("status")).to_contain_text("领取成功")


def take_several(page: Page) -> None:
    """Find out which coupons are best for an amount, take these as one, and undo them as one."""
    page.get_by_test_id("together").click()
    assert_fits(page)
    page.get_by_label("商品金额").fill("300")
    page.get_by_test_id("best").click()
    expect(page.get_by_test_id("saving")).to_contain_text("顾客还需付")
    assert page.locator("input[name=coupon_id]:checked").count() > 1
    assert_fits(page)
    page.get_by_test_id("redeem").click()
    expect(page.get_by_test_id("outcome")).to_have_text("核销成功")
    assert page.get_by_test_id("taken").count() > 1
    assert_fits(page)
    undo(page)
    assert_fits(page)


def assert_fits(page: Page) -> None:
    assert looks.too_wide(page) == []
    assert looks.english(page) == set()
    assert looks.small_targets(page, least=THUMB_PX) == []


def test_a_clerk_scans_a_member_and_takes_a_coupon_and_several_for_one_sale(
    page: Page, system: System, clerk: Person, guest: Page, problems: Problems
) -> None:
    for _coupon in range(2):
        exchange(guest, system, FOR_POINTS)
    hold_phone(page.context, system, clerk)
    problems.watch(page)
    page.goto(f"{system.sandbox}/#/scan")
    page.get_by_test_id("scan-text").fill(f"{system.web}/h5/clerk")
    page.get_by_test_id("scan-submit").click()
    web = page.frame_locator("[data-testid=web-frame]")
    expect(web.get_by_test_id("store")).to_have_text("上海静安寺店")

    code = digits_on(guest, f"{system.web}/h5/", "member-code")
    web.get_by_test_id("scan").click()
    page.get_by_test_id("scan-sheet").get_by_test_id("scan-text").fill(code)
    page.get_by_test_id("scan-sheet").get_by_test_id("scan-submit").click()

    expect(web.get_by_test_id("guest")).to_contain_text("*")
    coupon = web.get_by_test_id("coupon").first
    visit = (coupon.get_attribute("href") or "").partition("/coupons/")[0]
    coupon.click()
    take(web)
    undo(web)
    web.get_by_role("link", name="今日").click()
    expect(web.get_by_test_id("redemption").first).to_contain_text("已撤销")

    page.goto(system.web + visit)
    expect(page.get_by_test_id("guest")).to_be_visible()
    assert_fits(page)
    take_several(page)


def test_without_script_a_code_is_typed_and_a_mistake_undone(
    browser: Browser, system: System, clerk: Person, guest: Page
) -> None:
    context = new_context(browser, width=PHONE[0], height=PHONE[1], has_script=False)
    page = _at_the_till(context, system, clerk)
    page.get_by_label("会员码或券码").fill(coupon_code(guest, system))
    page.get_by_test_id("look-up").click()

    take(page)
    undo(page)
    context.close()


def test_every_page_fits_a_phone_and_speaks_chinese(
    page: Page, system: System, clerk: Person, guest: Page, problems: Problems
) -> None:
    page = _at_the_till(page.context, system, clerk)
    problems.watch(page)
    assert_fits(page)
    assert looks.unmarked_focus(page, steps=8) == []
    page.goto(f"{system.web}/h5/clerk/stores")
    assert_fits(page)

    page.goto(f"{system.web}/h5/clerk")
    page.get_by_label("会员码或券码").fill(coupon_code(guest, system))
    page.get_by_test_id("look-up").click()
    expect(page.get_by_test_id("worth")).to_be_visible()
    assert_fits(page)
    take(page)
    assert_fits(page)
    undo(page)
    assert_fits(page)
    page.get_by_role("link", name="今日").click()
    assert_fits(page)


def test_who_is_not_bound_is_told_so_and_the_console_shows_the_code_that_binds(
    page: Page, desk: Page, system: System, problems: Problems
) -> None:
    stranger = new_person(system, nickname="新店员", phone="+8613900000301")
    hold_phone(page.context, system, stranger)
    page.goto(f"{system.web}/h5/clerk")
    expect(page.get_by_role("heading", level=2)).to_have_text("本微信没有绑定店员账号")
    assert_fits(page)

    log_in(desk, system, "store_manager")
    desk.goto(f"{system.web}/console/wechat-binding")
    desk.get_by_role("button", name="生成绑定二维码").click()
    assert looks.too_wide(desk) == []
    address = desk.locator("code.secret").inner_text()
    page.goto(address)
    assert_fits(page)
    page.get_by_test_id("bind").click()

    expect(page.get_by_test_id("store")).to_have_text("上海静安寺店")
    assert_fits(page)
    desk.goto(f"{system.web}/console/wechat-binding")
    desk.locator("details.confirm > summary").click()
    desk.get_by_role("button", name="确认解绑").click()
    expect(desk.get_by_role("status")).to_contain_text("已解绑")
    page.goto(f"{system.web}/h5/clerk")
    expect(page.get_by_role("heading", level=2)).to_have_text("本微信没有绑定店员账号")


def _at_the_till(context: BrowserContext, system: System, clerk: Person) -> Page:
    hold_phone(context, system, clerk)
    page = context.new_page()
    page.goto(f"{system.web}/h5/clerk")
    expect(page.get_by_test_id("store")).to_have_text("上海静安寺店")
    return page
