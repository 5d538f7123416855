"""A campaign at the desk: from the segment to the draft, approved by another, launched, watched, ended and undone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import looks
from tests.browser.conftest import DESK, PHONE, log_in
from tests.browser.system import System
from tests.support.browser import Problems, new_context

LAUNCHED_MS = 150_000
"""The clock of campaigns strikes once a minute."""
WORKED_MS = 60_000
COUPON = "积分换 20 元"
"""A member may have several of it, whatever the demo gave them."""
SEGMENT, TITLE = "企业客户分群", "企业客户答谢"
RULES = "企业客户每人一次，可得 50,000 积分，积分自到账当日起 14 天内有效。"
BODY = "50,000 积分已到账，14 天内有效。如不想再收到活动消息，可在“消息设置”中退订。"
USERNAMES = {"marketer", "finance"}
"""They stand in the menu, as they are typed to log in."""
Desk = Callable[[str], Page]


@pytest.fixture
def desk_of(browser: Browser, system: System, problems: Problems) -> Iterator[Desk]:
    """Returns a desk at which one of the demo staff has logged in."""
    contexts = []

    def logged_in(username: str) -> Page:
        context = new_context(browser, width=DESK[0], height=DESK[1])
        contexts.append(context)
        page = context.new_page()
        problems.watch(page)
        log_in(page, system, username)
        return page

    yield logged_in
    for context in contexts:
        context.close()


def assert_fits(page: Page, folder: Path, name: str) -> None:
    """The page as it stands fits a desk and a phone; a picture of each is kept beside the test's other files."""
    for width, height in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        looks.settle(page)
        page.screenshot(path=folder / f"{name}-{width}.png", full_page=True, animations="disabled")
        assert looks.too_wide(page) == [], (name, width)
        assert looks.english(page) <= USERNAMES, (name, width)
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})


def build_segment(page: Page, system: System) -> None:
    """Everybody with the tag of the demo chain's business customers."""
    page.goto(f"{system.web}/console/segments/new")
    page.get_by_label("名称").fill(SEGMENT)
    page.get_by_label("要添加的条件").select_option(value="tags")
    page.get_by_role("button", name="添加条件", exact=True).click()
    page.get_by_role("checkbox", name="企业客户").check()
    page.get_by_role("button", name="保存").last.click()
    expect(page.get_by_role("heading", level=1, name=SEGMENT)).to_be_visible()


def fill_in(page: Page, system: System, folder: Path) -> None:
    """Begin with the ready campaign for sleepers, and let it go to the segment at once."""
    page.goto(f"{system.web}/console/campaigns/new")
    page.get_by_role("link", name="沉睡唤醒").click()
    page.get_by_label("活动名称").fill(TITLE)
    page.get_by_role("radio", name="已保存的分群").check()
    page.get_by_label("分群", exact=True).select_option(label=SEGMENT)
    page.get_by_label("触发方式").select_option(value="now")
    expect(page.get_by_label("未消费天数")).to_be_hidden()
    page.get_by_label("积分", exact=True).fill("50000")
    page.get_by_label("消息正文").fill(BODY)
    page.get_by_label("每人次数").fill("1")
    page.get_by_label("对照组比例").fill("0")
    page.get_by_label("活动规则").fill(RULES)
    page.get_by_label("要添加的动作").select_option(value="tag")
    page.get_by_role("button", name="添加动作").click()
    expect(page.get_by_label("标签", exact=True)).to_be_focused()
    page.get_by_label("标签", exact=True).select_option(label="咖啡爱好者")
    expect(page.locator("#check")).to_contain_text("需要另一位同事复核")
    assert_fits(page, folder, "form")
    page.get_by_role("button", name="保存草稿").click()
    expect(page.get_by_role("heading", level=1, name="上线前检查")).to_be_visible()


def end_unless_it_has(page: Page) -> None:
    """A campaign that goes out once ends by itself when the clock next looks; whoever sees it before that ends it."""
    button = page.get_by_text("结束", exact=True)
    if button.is_visible():
        button.click()
        page.get_by_role("button", name="确认结束").click()


def test_by_the_code_of_a_store_to_the_phone(
    desk_of: Desk, page: Page, regular_cookies: list[dict[str, object]], system: System, tmp_path: Path
) -> None:
    """What is cheap is in force at once; the code that its page makes leads a member to the coupon."""
    marketer = desk_of("marketer")
    marketer.goto(f"{system.web}/console/campaigns/new")
    marketer.get_by_label("到店券送哪种券").select_option(label=COUPON)
    assert_fits(marketer, tmp_path, "templates")
    marketer.get_by_role("listitem").filter(has_text="到店券").get_by_role("button", name="用这种券开始").click()
    marketer.get_by_label("发券上限").fill("5")
    expect(marketer.get_by_role("group", name="门店", exact=True)).to_be_visible()
    marketer.get_by_role("button", name="保存草稿").click()
    marketer.get_by_role("button", name="提交并发布").click()
    marketer.get_by_role("link", name="入口").click()
    marketer.get_by_role("button", name="生成门店二维码").click()
    entrances = marketer.get_by_test_id("entrance")
    expect(entrances.first).to_be_visible()
    assert_fits(marketer, tmp_path, "entrances")

    page.context.add_cookies(regular_cookies)  # type: ignore[arg-type]
    page.goto(entrances.first.locator("code").inner_text())
    expect(page.get_by_text(COUPON).first).to_be_visible()
    assert_fits(page, tmp_path, "offer")
    page.get_by_test_id("take-part").click()
    expect(page.get_by_test_id("taken")).to_contain_text("1 张优惠券")
    assert_fits(page, tmp_path, "taken")


def test_from_the_segment_to_the_members_and_back(desk_of: Desk, system: System, tmp_path: Path) -> None:
    marketer = desk_of("marketer")
    build_segment(marketer, system)
    fill_in(marketer, system, tmp_path)
    expect(marketer.get_by_text("模板消息 0（营销内容不可用）")).to_be_visible()
    assert_fits(marketer, tmp_path, "check")
    marketer.get_by_role("button", name="提交复核").click()
    marketer.get_by_role("link", name="查看复核").click()
    expect(marketer.get_by_text("不能复核自己的活动")).to_be_visible()

    finance = desk_of("finance")
    finance.goto(f"{system.web}/console/dashboard")
    finance.get_by_role("link", name="查看待复核").click()
    waiting = finance.get_by_test_id("waiting")
    expect(waiting.filter(has_text=TITLE)).to_be_visible()
    assert_fits(finance, tmp_path, "approvals")
    waiting.filter(has_text=TITLE).get_by_role("link", name="去复核").click()
    expect(finance.get_by_text("林运营")).to_be_visible()
    assert_fits(finance, tmp_path, "decision")
    finance.get_by_role("button", name="通过", exact=True).click()
    expect(finance.get_by_text("已通过，活动生效")).to_be_visible()
    expect(finance.locator("#work")).to_contain_text("完成", timeout=LAUNCHED_MS)
    assert_fits(finance, tmp_path, "page")

    finance.get_by_role("link", name="活动效果").click()
    expect(finance.get_by_role("heading", level=1)).to_be_visible()
    assert_fits(finance, tmp_path, "board")

    headquarters = desk_of("hq_admin")
    headquarters.goto(finance.url.partition("/board")[0])
    end_unless_it_has(headquarters)
    headquarters.get_by_role("link", name="整体撤回").click()
    expect(headquarters.get_by_text("将会收回")).to_be_visible()
    assert_fits(headquarters, tmp_path, "undo")
    headquarters.get_by_role("button", name="确认整体撤回").click()
    expect(headquarters.get_by_role("region", name="撤回")).to_contain_text("完成", timeout=WORKED_MS)
    headquarters.reload()
    expect(headquarters.get_by_role("region", name="活动内容")).to_contain_text("已撤回")
    assert_fits(headquarters, tmp_path, "undone")
