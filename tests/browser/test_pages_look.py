"""Every page as people see it: in Chinese, inside the screen, without errors, by keyboard, without vendor files."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app import create_app
from loyalty.container import build
from loyalty.settings import Settings
from tests.browser import looks
from tests.browser.conftest import DESK, PHONE
from tests.browser.pages import CONSOLE_PAGES, H5_PAGES, NOT_LOOKED_AT
from tests.browser.people import bind_phone, hold_phone, new_person
from tests.browser.system import System, free_port
from tests.support.browser import Problems, new_context

THUMB_PX = 36
STATIC = Path(__file__).parents[2] / "portal" / "static"
Open = Callable[..., Page]


@pytest.fixture
def member_page(browser: Browser, regular_cookies: list[dict[str, object]]) -> Iterator[Page]:
    """A phone on which a member is logged in."""
    context = new_context(browser, width=PHONE[0], height=PHONE[1])
    context.add_cookies(regular_cookies)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


@pytest.fixture
def staff_page(browser: Browser, staff_cookies: list[dict[str, object]]) -> Iterator[Page]:
    """A desk at which the head of headquarters is logged in."""
    context = new_context(browser, width=DESK[0], height=DESK[1])
    context.add_cookies(staff_cookies)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def bare_web(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same application where nobody built the third-party styles and scripts."""
    static = tmp_path_factory.mktemp("bare") / "static"
    static.mkdir()
    for entry in STATIC.iterdir():
        if entry.name != "vendor":
            (static / entry.name).symlink_to(entry)
    port = free_port()
    changed = {"LOG_LEVEL": "WARNING", "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
    app = create_app(build(Settings.from_environment({**system.settings, **changed})))
    app.static_folder = str(static)
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield changed["PUBLIC_BASE_URL"]
    server.shutdown()
    server.server_close()
    app.extensions["container"].database.engine.dispose()


def test_no_page_is_forgotten(app: Flask) -> None:
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(("h5.", "console.")) and "GET" in (rule.methods or ())
    }

    assert pages == {*H5_PAGES, *CONSOLE_PAGES, *NOT_LOOKED_AT}


class TestMemberPages:
    @pytest.mark.parametrize("path", H5_PAGES.values())
    def test_fit_a_phone_and_speak_chinese(
        self, member_page: Page, system: System, problems: Problems, path: str
    ) -> None:
        problems.watch(member_page)
        answer = member_page.goto(system.web + path)
        assert answer is not None
        assert member_page.url == system.web + path
        looks.settle(member_page)

        assert looks.too_wide(member_page) == []
        assert looks.english(member_page) == set()
        assert looks.small_targets(member_page, least=THUMB_PX) == []
        assert looks.unmarked_focus(member_page, steps=8) == []

    @pytest.mark.parametrize("path", H5_PAGES.values())
    def test_are_complete_without_the_vendor_files(
        self, member_page: Page, bare_web: str, problems: Problems, path: str
    ) -> None:
        problems.watch(member_page)
        member_page.goto(bare_web + path)
        looks.settle(member_page)

        assert member_page.url == bare_web + path
        assert looks.too_wide(member_page) == []
        assert looks.small_targets(member_page, least=THUMB_PX) == []

    def test_the_member_code_is_drawn_anew_by_htmx(self, member_page: Page, system: System) -> None:
        member_page.goto(f"{system.web}/h5/")
        with member_page.expect_response("**/h5/member-code") as fetched:
            member_page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")

        assert fetched.value.ok
        expect(member_page.get_by_test_id("member-code")).to_be_visible()
        expect(member_page.get_by_label("会员码").locator("svg")).to_be_visible()


class TestVisitorPages:
    def test_the_binding_form_tells_what_is_wrong_and_fits(
        self, page: Page, system: System, problems: Problems
    ) -> None:
        hold_phone(page.context, system, new_person(system, nickname="访客", phone="+8613900000201"))
        problems.watch(page)
        page.goto(f"{system.web}/h5/")
        assert looks.english(page) == set()
        assert looks.unmarked_focus(page, steps=8) == []
        problems.seen.clear()

        page.get_by_label("手机号").fill("123")
        page.get_by_test_id("send-code").click()
        expect(page.get_by_role("alert")).to_contain_text("请输入正确的手机号")

        assert looks.too_wide(page) == []
        assert {line.split(":")[0] for line in problems.seen} == {"answer", "console"}  # the refusal itself
        problems.seen.clear()

    def test_an_entry_of_the_statement_does_as_well(
        self, member_page: Page, system: System, problems: Problems
    ) -> None:
        problems.watch(member_page)
        member_page.goto(f"{system.web}/h5/points")
        member_page.get_by_test_id("entry").first.click()
        expect(member_page.get_by_test_id("reason")).to_be_visible()

        assert looks.too_wide(member_page) == []
        assert looks.english(member_page) == set()
        assert looks.small_targets(member_page, least=THUMB_PX) == []

    def test_pages_that_are_not_there_say_so_in_chinese(self, page: Page, system: System) -> None:
        for path in ("/h5/nothing", "/nothing", "/console/nothing", "/h5/texts/nothing/1"):
            page.goto(system.web + path)
            assert looks.english(page) == set(), path
            assert looks.too_wide(page) == [], path

    def test_somebody_without_script_becomes_a_member_and_checks_in(self, browser: Browser, system: System) -> None:
        person = new_person(system, nickname="无脚本", phone="+8613900000202")
        context = new_context(browser, width=PHONE[0], height=PHONE[1], has_script=False)
        hold_phone(context, system, person)
        page = context.new_page()
        page.goto(f"{system.web}/h5/check-ins")
        bind_phone(page, system, person)

        page.get_by_test_id("check-in").click()
        expect(page.get_by_role("status")).to_contain_text("签到成功")
        page.get_by_role("link", name="积分").click()
        expect(page.get_by_test_id("available")).to_have_text("5")
        context.close()


class TestConsolePages:
    @pytest.mark.parametrize("path", CONSOLE_PAGES.values())
    def test_fit_a_desk_speak_chinese_and_do_not_break_on_a_phone(
        self, staff_page: Page, system: System, problems: Problems, path: str
    ) -> None:
        problems.watch(staff_page)
        staff_page.goto(system.web + path)
        looks.settle(staff_page)

        assert staff_page.url == system.web + path
        assert looks.too_wide(staff_page) == []
        assert looks.english(staff_page) == set()
        assert looks.unmarked_focus(staff_page, steps=12) == []

        staff_page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        looks.let_the_page_follow(staff_page)
        assert looks.too_wide(staff_page) == []
        for question in staff_page.locator("details.confirm > summary").all():
            question.click()
            assert looks.too_wide(staff_page) == []

    def test_one_entry_of_a_statement_does_as_well(self, staff_page: Page, system: System, problems: Problems) -> None:
        problems.watch(staff_page)
        staff_page.goto(f"{system.web}/console/members/1/entries")
        staff_page.locator("tbody a").first.click()
        expect(staff_page.get_by_text("业务单号")).to_be_visible()

        assert looks.too_wide(staff_page) == []
        assert looks.english(staff_page) == set()
        staff_page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert looks.too_wide(staff_page) == []

    @pytest.mark.parametrize("path", CONSOLE_PAGES.values())
    def test_are_usable_without_the_vendor_files(
        self, staff_page: Page, bare_web: str, problems: Problems, path: str
    ) -> None:
        problems.watch(staff_page)
        staff_page.goto(bare_web + path)
        looks.settle(staff_page)

        assert staff_page.url == bare_web + path
        assert looks.too_wide(staff_page) == []

    def test_the_log_in_page_is_chinese_and_by_keyboard(self, desk: Page, system: System, problems: Problems) -> None:
        problems.watch(desk)
        desk.goto(f"{system.web}/console/login")

        assert looks.english(desk) == set()
        assert looks.unmarked_focus(desk, steps=3) == []


def test_the_description_of_the_interface_fits_desk_and_phone(desk: Page, system: System, problems: Problems) -> None:
    problems.watch(desk)
    for width in (DESK[0], PHONE[0]):
        desk.set_viewport_size({"width": width, "height": 800})
        desk.goto(f"{system.web}/miniprogram/v1/docs")

        assert looks.too_wide(desk) == []
