"""Segments at a desk and on a phone: groups within groups, counted while they are put together; a snapshot, a tag."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import looks
from tests.browser.conftest import DESK, PHONE
from tests.browser.system import System
from tests.support.browser import Problems, new_context

ROW_SECONDS = 15_000
"""The count waits for a pause in typing, and a worker for its turn."""


@pytest.fixture
def staff(desk: Page, staff_cookies: list[dict[str, object]], problems: Problems) -> Page:
    desk.context.add_cookies(staff_cookies)  # type: ignore[arg-type]
    problems.watch(desk)
    return desk


def add(page: Page, where: Locator, fact: str) -> None:
    """Add a row to a group."""
    where.get_by_label("要添加的条件").last.select_option(label=fact)
    where.get_by_role("button", name="添加条件", exact=True).last.click()
    expect(page.get_by_role("group", name=fact, exact=True).first).to_be_visible()


def assert_fits(page: Page) -> None:
    assert looks.too_wide(page) == []
    assert looks.english(page) == set()
    assert looks.unmarked_focus(page, steps=12) == []


def build(page: Page) -> None:
    """Put a nested condition together, following what the page says."""
    whole, counted = page.get_by_role("group", name="全部条件"), page.locator("#audience")
    expect(counted).to_contain_text("全部会员")
    add(page, whole, "填写了生日")
    birthday = page.get_by_role("group", name="填写了生日")
    birthday.get_by_label("填写了生日：满足或不满足").select_option("不满足")
    whole.get_by_role("button", name="添加条件组").click()
    inner = page.get_by_role("group", name="条件组", exact=True)
    add(page, inner, "会员等级")
    expect(counted).to_contain_text("还有条件没有填好")
    expect(page.get_by_role("group", name="会员等级")).to_contain_text("请选择等级")
    page.get_by_role("group", name="会员等级").get_by_role("checkbox").nth(1).check()
    add(page, inner, "可用积分")
    least = page.get_by_role("group", name="可用积分").get_by_label("不少于")
    expect(least).to_be_focused()
    least.fill("100")
    expect(counted).to_contain_text("不满足（填写了生日），且（等级：", timeout=ROW_SECONDS)
    expect(counted).to_contain_text("或可用积分不少于 100）", timeout=ROW_SECONDS)
    expect(counted).to_contain_text("统计用时")
    expect(counted.locator("strong")).not_to_have_text("0")
    expect(page.locator(".field-problem").filter(has_text="请")).to_have_count(0)


def test_a_marketer_builds_a_nested_segment_and_works_with_it(staff: Page, system: System, tmp_path: Path) -> None:
    staff.goto(f"{system.web}/console/segments")
    staff.get_by_role("link", name="新建分群").click()
    staff.get_by_label("名称").fill("活跃老客")
    build(staff)
    assert_fits(staff)
    staff.screenshot(path=tmp_path / "desk.png", full_page=True)

    staff.get_by_role("button", name="保存", exact=True).last.click()
    expect(staff.get_by_role("heading", level=1)).to_have_text("活跃老客")
    expect(staff.locator("#audience")).to_contain_text("可收站内消息")
    staff.get_by_role("button", name="生成快照").click()
    expect(staff.locator("#work")).to_contain_text("完成", timeout=ROW_SECONDS)
    staff.get_by_label("标签", exact=True).select_option(index=1)
    staff.get_by_role("button", name="开始自动打标签").click()
    expect(staff.get_by_role("region", name="自动标签")).to_be_visible()
    expect(staff.locator("#work progress")).to_have_count(0, timeout=ROW_SECONDS)
    assert_fits(staff)
    staff.screenshot(path=tmp_path / "page.png", full_page=True)

    staff.get_by_role("link", name="修改", exact=True).click()
    staff.get_by_role("button", name="删除条件：填写了生日").click()
    expect(staff.get_by_role("group", name="填写了生日")).to_have_count(0)
    staff.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert looks.too_wide(staff) == []
    staff.screenshot(path=tmp_path / "phone.png", full_page=True)


def test_every_fact_has_a_place_on_a_narrow_screen(staff: Page, system: System, tmp_path: Path) -> None:
    staff.goto(f"{system.web}/console/segments/new")
    facts = staff.get_by_label("要添加的条件").locator("option").all_text_contents()[1:]
    for fact in facts:
        add(staff, staff.get_by_role("group", name="全部条件"), fact)
    staff.screenshot(path=tmp_path / "facts.png", full_page=True)
    assert_fits(staff)
    staff.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    staff.screenshot(path=tmp_path / "facts-phone.png", full_page=True)

    assert looks.too_wide(staff) == []


def test_the_builder_needs_no_script_and_enter_saves(
    browser: Browser, system: System, staff_cookies: list[dict[str, object]]
) -> None:
    context = new_context(browser, width=DESK[0], height=DESK[1], has_script=False)
    context.add_cookies(staff_cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{system.web}/console/segments/new")
    page.get_by_label("名称").fill("积分大户")
    add(page, page.get_by_role("group", name="全部条件"), "可用积分")
    page.get_by_role("group", name="可用积分").get_by_label("不少于").fill("1000")
    page.get_by_role("button", name="计算人数").click()
    expect(page.locator("#audience")).to_contain_text("可用积分不少于 1,000")
    page.get_by_role("group", name="可用积分").get_by_label("不少于").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("积分大户")
    context.close()
