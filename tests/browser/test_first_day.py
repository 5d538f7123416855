"""A first day, through the simulated phone: as a fan, in the mini program, and as staff who look on."""

import re

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.conftest import log_in
from tests.browser.people import CONSENTS, Person
from tests.browser.system import System
from tests.support.browser import Problems
from trial.environment import MP_APPID, OA_APPID

CARD, CHECK_IN = "menu-0", "menu-1"


def _new_user(phone: Page, system: System, *, nickname: str, number: str) -> None:
    phone.goto(f"{system.sandbox}/")
    phone.get_by_test_id("new-nickname").fill(nickname)
    phone.get_by_test_id("new-phone").fill(number)
    phone.get_by_test_id("create-user").click()
    expect(phone.get_by_test_id("chat-list")).to_be_visible()


def _open_chat(phone: Page, system: System) -> None:
    phone.goto(f"{system.sandbox}/#/chat/{OA_APPID}")


def _tap_menu(phone: Page, system: System, entry: str) -> FrameLocator:
    _open_chat(phone, system)
    phone.get_by_test_id(entry).click()
    return phone.frame_locator("[data-testid=web-frame]")


def _message(phone: Page, title: str) -> Locator:
    return phone.get_by_test_id("message-card").filter(has_text=title)


class TestFan:
    def test_from_following_to_the_message_on_the_phone(self, page: Page, system: System, problems: Problems) -> None:
        problems.watch(page)
        _new_user(page, system, nickname="小满", number="13900000101")

        page.get_by_test_id(f"chat-{OA_APPID}").click()
        page.get_by_test_id("follow").click()
        expect(page.get_by_test_id("bubble").first).to_contain_text("欢迎关注示例连锁")

        web = _tap_menu(page, system, CHECK_IN)
        expect(web.get_by_role("heading", level=1)).to_have_text("绑定手机号")
        web.get_by_label("手机号").fill("13900000101")
        web.get_by_test_id("send-code").click()
        expect(web.get_by_role("status")).to_contain_text("验证码已发送")

        page.goto(f"{system.sandbox}/#/sms")
        code = page.get_by_test_id("sms-code").first.inner_text()

        web = _tap_menu(page, system, CHECK_IN)
        web.get_by_label("手机号").fill("13900000101")
        web.get_by_label("短信验证码").fill(code)
        for purpose in CONSENTS:
            web.locator(f"input[name=consent][value^={purpose}]").check()
        web.get_by_test_id("bind").click()
        expect(web.get_by_role("status")).to_contain_text("入会成功")

        web.get_by_test_id("check-in").click()
        expect(web.get_by_role("status")).to_contain_text("签到成功")
        expect(web.get_by_test_id("streak")).to_have_text("1")
        expect(web.get_by_test_id("calendar").locator(".is-today.is-done")).to_have_count(1)

        web.get_by_role("link", name="积分").click()
        expect(web.get_by_test_id("available")).to_have_text("5")
        expect(web.get_by_test_id("entry")).to_contain_text("连续签到第1天，基础5积分")

        web.get_by_role("link", name="会员卡").click()
        number = web.get_by_label("会员卡").locator(".foot span").first.inner_text().removeprefix("会员号 ")
        _open_chat(page, system)
        bound = _message(page, "会员绑定成功通知")
        expect(bound.get_by_test_id("field-character_string1")).to_have_text(number)
        bound.get_by_test_id("card-link").click()
        expect(page.frame_locator("[data-testid=web-frame]").get_by_test_id("balance")).to_have_text("5")

        page.goto(f"{system.sandbox}/#/mp/{MP_APPID}")
        expect(page.get_by_test_id("member-number")).to_have_text(number)
        expect(page.get_by_test_id("points-available")).to_have_text("5")

    def test_a_person_who_refuses_consent_stays_a_visitor(self, page: Page, system: System) -> None:
        _new_user(page, system, nickname="小寒", number="13900000102")
        page.get_by_test_id(f"chat-{OA_APPID}").click()
        page.get_by_test_id("follow").click()
        web = _tap_menu(page, system, CARD)
        web.get_by_label("手机号").fill("13900000102")
        web.get_by_label("短信验证码").fill("123456")
        web.get_by_test_id("bind").click()

        assert web.locator("input[name=consent]").first.evaluate("box => box.validity.valueMissing")
        expect(web.get_by_role("heading", level=1)).to_have_text("绑定手机号")

    def test_the_card_is_shared_as_an_invitation_and_never_in_public(self, page: Page, system: System) -> None:
        _new_user(page, system, nickname="小雪", number="13900000104")
        page.get_by_test_id(f"chat-{OA_APPID}").click()
        page.get_by_test_id("follow").click()
        page.goto(f"{system.sandbox}/#/mp/{MP_APPID}")
        _bind_in_mini_program(page)
        web = _tap_menu(page, system, CARD)
        expect(web.get_by_test_id("member-code")).to_be_visible()

        expect(web.locator("[data-js-ready]")).to_be_attached()
        page.get_by_test_id("web-more").click()
        expect(page.get_by_test_id("share-friend")).to_be_visible()
        expect(page.get_by_test_id("share-timeline")).to_be_hidden()
        page.get_by_test_id("share-friend").click()
        page.goto(f"{system.sandbox}/#/shares")
        expect(page.get_by_test_id("share-card")).to_contain_text("示例连锁会员")


class TestMiniProgram:
    def test_from_login_to_points(self, page: Page, system: System, problems: Problems) -> None:
        problems.watch(page)
        _new_user(page, system, nickname="小暑", number="13900000103")
        page.get_by_test_id("tab-discover").click()
        page.get_by_test_id(f"open-mp-{MP_APPID}").click()
        _bind_in_mini_program(page)
        expect(page.get_by_test_id("member-phone")).to_have_text("139****0103")

        page.get_by_test_id("mp-subscribe").click()
        page.get_by_test_id("subscribe-accept").click()
        expect(page.get_by_test_id("toast")).to_contain_text("已订阅")

        page.get_by_test_id("go-card").click()
        expect(page.get_by_test_id("member-code")).to_have_text(re.compile(r"^(\d{4} ){4}\d{2}$"))
        picture = page.get_by_test_id("member-code-qr")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
        page.get_by_test_id("back").click()

        page.get_by_test_id("go-check-in").click()
        page.get_by_test_id("mp-check-in").click()
        expect(page.get_by_test_id("toast")).to_have_text("连续签到第1天，基础5积分")
        expect(page.get_by_test_id("mp-check-in")).to_be_disabled()
        page.get_by_test_id("back").click()

        page.get_by_test_id("go-points").click()
        expect(page.get_by_test_id("points-available")).to_have_text("5")
        expect(page.get_by_test_id("entry-reason")).to_have_text("连续签到第1天，基础5积分")
        page.get_by_test_id("back").click()

        page.get_by_test_id("go-inbox").click()
        expect(page.get_by_test_id("inbox-message")).to_contain_text("会员绑定成功")


class TestStaff:
    def test_find_a_member_and_what_happened_to_them(
        self, desk: Page, system: System, regular: Person, regular_cookies: object, problems: Problems
    ) -> None:
        problems.watch(desk)
        log_in(desk, system)
        expect(desk.get_by_role("heading", level=1)).to_have_text("今日概况")
        figure = desk.locator(".figure").filter(has_text="签到")
        assert int(figure.locator(".figure-value").inner_text().replace(",", "")) > 0

        desk.get_by_role("link", name="会员列表").click()
        desk.get_by_label("手机号或会员号").fill(regular.local_phone)
        desk.get_by_role("button", name="查找").click()
        expect(desk.get_by_role("region", name="积分流水").locator("tbody tr").first).to_be_visible()
        expect(desk.get_by_role("region", name="消息")).to_contain_text("会员绑定成功")
        expect(desk.get_by_role("region", name="微信身份")).to_contain_text("示例连锁服务号")
        expect(desk.locator(".timeline-list")).to_contain_text("入会")

        phone = desk.locator("#phone")
        expect(phone).not_to_contain_text(regular.local_phone)
        phone.get_by_role("button", name="显示完整号码").click()
        expect(phone).to_contain_text(regular.phone)

        desk.get_by_role("link", name="操作日志").click()
        newest = desk.locator("tbody tr").first
        expect(newest).to_contain_text("查看完整手机号")
        expect(newest).to_contain_text("陈总部")

    def test_a_clerk_gets_no_further_than_their_role(self, desk: Page, system: System) -> None:
        log_in(desk, system, "clerk")
        desk.goto(f"{system.web}/console/audit")

        expect(desk.get_by_role("heading", level=1)).to_have_text("没有权限")


def _bind_in_mini_program(page: Page) -> None:
    for purpose in CONSENTS:
        page.get_by_test_id(f"consent-{purpose}").check()
    page.get_by_test_id("mp-phone").click()
    page.get_by_test_id("phone-sheet-ok").click()
    expect(page.get_by_test_id("member-card")).to_be_visible()
