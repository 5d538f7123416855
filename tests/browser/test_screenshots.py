"""The pictures of the README and the guide. ``make screenshots`` keeps them; otherwise they are only taken."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.demo.clerk import NICKNAME
from tests.browser.conftest import DESK
from tests.browser.people import Person, bind_phone, hold_phone, new_person
from tests.browser.system import System
from tests.browser.test_clerk import coupon_code, take, undo
from tests.support.browser import new_context
from trial.environment import MP_APPID, OA_APPID

IMAGES = Path(__file__).parents[2] / "docs" / "images"
BYTES_MAX = 200_000
HAND = (375, 720)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go."""
    if os.environ.get("SCREENSHOTS") != "1":
        return tmp_path_factory.mktemp("images")
    IMAGES.mkdir(parents=True, exist_ok=True)
    return IMAGES


@pytest.fixture
def hand(browser: Browser) -> Iterator[Page]:
    """A phone with a sharp screen."""
    context = _sharp(browser, HAND)
    yield context.new_page()
    context.close()


@pytest.fixture
def member_hand(hand: Page, regular_cookies: list[dict[str, object]]) -> Page:
    """The phone of a member with a history."""
    hand.context.add_cookies(regular_cookies)  # type: ignore[arg-type]
    return hand


@pytest.fixture
def staff_desk(desk: Page, staff_cookies: list[dict[str, object]]) -> Page:
    """The desk of the head of headquarters."""
    desk.context.add_cookies(staff_cookies)  # type: ignore[arg-type]
    return desk


def _sharp(browser: Browser, size: tuple[int, int]) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, device_scale_factor=1.5, locale="zh-CN"
    )
    context.set_default_timeout(10_000)
    return context


def _take(page: Page, folder: Path, name: str, *, whole: bool = False) -> None:
    page.wait_for_load_state("networkidle")
    target = folder / f"{name}.png"
    page.screenshot(path=target, full_page=whole, animations="disabled", caret="hide")
    assert 2_000 < target.stat().st_size < BYTES_MAX, f"{name}: {target.stat().st_size} bytes"


class TestMember:
    @pytest.mark.parametrize(
        ("name", "path", "shown"),
        [
            ("card", "/h5/", "member-code"),
            ("check-in", "/h5/check-ins", "calendar"),
            ("statement", "/h5/points", "available"),
            ("inbox", "/h5/inbox", "message"),
        ],
    )
    def test_page(
        self, member_hand: Page, system: System, folder: Path, name: str, path: str, shown: str, regular: Person
    ) -> None:
        system.message(regular.id, channel="template", title="会员绑定成功通知")
        member_hand.goto(system.web + path)
        expect(member_hand.get_by_test_id(shown).first).to_be_visible()
        _take(member_hand, folder, name)

    def test_why_an_order_earned_its_points(self, member_hand: Page, system: System, folder: Path) -> None:
        member_hand.goto(f"{system.web}/h5/points")
        member_hand.get_by_test_id("entry").filter(has_text="消费获得").first.click()
        expect(member_hand.get_by_text("为什么得到这些积分")).to_be_visible()
        _take(member_hand, folder, "points-entry")

    def test_binding(self, hand: Page, system: System, folder: Path) -> None:
        hold_phone(hand.context, system, new_person(system, nickname="小林", phone="+8613900000301"))
        hand.goto(f"{system.web}/h5/")
        hand.get_by_label("手机号").fill("139 0000 0301")
        hand.locator("input[name=consent]").first.check()
        _take(hand, folder, "binding")


class TestClerk:
    """What a clerk's phone shows, from the code to the result; the coupon is given back at the end."""

    def test_taking_a_coupon(
        self, hand: Page, browser: Browser, system: System, folder: Path, regular_cookies: list[dict[str, object]]
    ) -> None:
        found = next(person for person in system.control("GET", "/users") if person["nickname"] == NICKNAME)
        hold_phone(hand.context, system, Person(found["id"], found["phone"]))
        guest = new_context(browser, width=HAND[0], height=HAND[1])
        guest.add_cookies(regular_cookies)  # type: ignore[arg-type]
        hand.goto(f"{system.web}/h5/clerk")
        _take(hand, folder, "clerk-scan")

        hand.get_by_label("会员码或券码").fill(coupon_code(guest.new_page(), system))
        hand.get_by_test_id("look-up").click()
        expect(hand.get_by_test_id("worth")).to_be_visible()
        _take(hand, folder, "clerk-coupon")

        take(hand)
        _take(hand, folder, "clerk-done")
        undo(hand)
        guest.close()


class TestPhone:
    @pytest.fixture
    def phone(self, browser: Browser, system: System) -> Iterator[Page]:
        """The simulated phone of a fan who has become a member."""
        context = _sharp(browser, (430, 900))
        users = [one["id"] for one in system.control("GET", "/users") if one["phone"] == "+8613900000302"]
        person = (
            Person(users[0], "+8613900000302") if users else new_person(system, nickname="小林", phone="+8613900000302")
        )
        hold_phone(context, system, person)
        page = context.new_page()
        if not users:
            system.control("POST", f"/users/{person.id}/follow", appid=OA_APPID)
            page.goto(f"{system.web}/h5/")
            bind_phone(page, system, person)
            expect(page.get_by_test_id("balance")).to_be_visible()
            system.message(person.id, channel="template", title="会员绑定成功通知")
        yield page
        context.close()

    def test_chat(self, phone: Page, system: System, folder: Path) -> None:
        phone.goto(f"{system.sandbox}/#/chat/{OA_APPID}")
        expect(phone.get_by_test_id("message-card")).to_be_visible()
        expect(phone.get_by_test_id("menu-bar")).to_be_visible()
        _take(phone, folder, "phone")

    def test_member_page_in_the_web_view(self, phone: Page, system: System, folder: Path) -> None:
        phone.goto(f"{system.sandbox}/#/chat/{OA_APPID}")
        phone.get_by_test_id("menu-0").click()
        expect(phone.frame_locator("[data-testid=web-frame]").get_by_test_id("member-code")).to_be_visible()
        _take(phone, folder, "phone-card")

    def test_mini_program(self, phone: Page, system: System, folder: Path) -> None:
        phone.goto(f"{system.sandbox}/#/mp/{MP_APPID}")
        expect(phone.get_by_test_id("member-card")).to_be_visible()
        _take(phone, folder, "mini-program")


class TestStaff:
    @pytest.mark.parametrize(
        ("name", "path", "whole"),
        [
            ("console-start", "/console/dashboard", False),
            ("console-members", "/console/members", False),
            ("console-menu", f"/console/menus/{OA_APPID}", True),
            ("console-notices", "/console/notices", False),
            ("console-order", "/console/members/1/orders/1", True),
            ("console-rules", "/console/earning-rules", False),
            ("console-rule-form", "/console/earning-rules/2/edit", False),
            ("console-campaigns", "/console/campaigns", False),
            ("console-campaign-form", "/console/campaigns/1/edit", False),
            ("console-campaign-check", "/console/campaigns/2/check", True),
            ("console-coupons", "/console/coupons", False),
            ("console-coupon-form", "/console/coupons/2/edit", False),
            ("console-coupon-report", "/console/coupon-report", False),
            ("console-batch", "/console/adjustments/1", False),
            ("console-tiers", "/console/tiers", False),
            ("console-key", "/console/partner-keys/2", False),
            ("console-jobs", "/console/jobs", False),
        ],
    )
    def test_page(self, staff_desk: Page, system: System, folder: Path, name: str, path: str, whole: bool) -> None:
        staff_desk.goto(system.web + path)
        _take(staff_desk, folder, name, whole=whole)

    def test_member(
        self, staff_desk: Page, system: System, folder: Path, regular: Person, regular_cookies: object
    ) -> None:
        staff_desk.set_viewport_size({"width": DESK[0], "height": 1000})
        staff_desk.goto(f"{system.web}/console/members")
        staff_desk.get_by_label("手机号或会员号").fill(regular.local_phone)
        staff_desk.get_by_role("button", name="查找").click()
        expect(staff_desk.get_by_role("region", name="积分流水")).to_be_visible()
        _take(staff_desk, folder, "console-member")


def test_description_of_the_interface(desk: Page, system: System, folder: Path) -> None:
    desk.set_viewport_size({"width": 1280, "height": 640})
    desk.goto(f"{system.web}/miniprogram/v1/docs")
    _take(desk, folder, "api-docs")
