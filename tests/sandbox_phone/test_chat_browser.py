"""The phone in a real browser: people, chats, menu, scanning, time."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.sandbox_phone.stranger import MP, OA, Stranger

pytestmark = pytest.mark.browser

BUTTONS = [
    {"type": "click", "name": "今日签到", "key": "SIGN"},
    {"name": "会员", "sub_button": [
        {"type": "view", "name": "会员卡", "url": "http://127.0.0.1/card"},
        {"type": "miniprogram", "name": "小程序", "appid": MP, "pagepath": "pages/points/index", "url": "http://127.0.0.1/"},
    ]},
]  # fmt: skip


def _follow(phone: Page) -> None:
    phone.get_by_test_id(f"chat-{OA}").click()
    phone.get_by_test_id("follow").click()
    expect(phone.get_by_test_id("bubble").first).to_have_text("欢迎关注，点菜单开始")


def _scan_code(stranger: Stranger, scene: str) -> dict[str, Any]:
    body = {"action_name": "QR_STR_SCENE", "expire_seconds": 600, "action_info": {"scene": {"scene_str": scene}}}
    return stranger.call("/cgi-bin/qrcode/create", body)


class TestPeople:
    def test_a_new_person_takes_over_the_phone_and_keeps_it_after_a_reload(self, phone: Page) -> None:
        phone.get_by_test_id("tab-me").click()
        phone.get_by_test_id("switch-user").click()
        phone.get_by_test_id("new-nickname").fill("阿强")
        phone.get_by_test_id("new-phone").fill("13900000002")
        phone.get_by_test_id("create-user").click()
        phone.get_by_test_id("tab-me").click()
        phone.reload()

        expect(phone.get_by_test_id("my-name")).to_have_text("阿强")
        expect(phone.get_by_test_id("my-phone")).to_have_value("+8613900000002")

    def test_a_wrong_phone_number_is_refused_in_chinese(self, phone: Page) -> None:
        phone.get_by_test_id("tab-me").click()
        phone.get_by_test_id("my-phone").fill("12")
        phone.get_by_test_id("save-profile").click()

        expect(phone.get_by_test_id("toast")).to_contain_text("手机号格式不对")

    def test_a_person_that_is_gone_makes_the_phone_ask_again(self, phone: Page, control: Callable[..., Any]) -> None:
        control("POST", "/reset")
        phone.reload()

        expect(phone.get_by_test_id("screen-title")).to_have_text("选择微信用户")


class TestOfficialAccount:
    def test_following_shows_the_welcome_text_and_the_published_menu(self, phone: Page, stranger: Stranger) -> None:
        stranger.call("/cgi-bin/menu/create", {"button": BUTTONS})

        _follow(phone)
        phone.get_by_test_id("menu-0").click()

        expect(phone.get_by_test_id("bubble").last).to_have_text("你点了 SIGN")

    def test_a_submenu_opens_the_web_page_or_the_mini_program(self, phone: Page, stranger: Stranger) -> None:
        stranger.call("/cgi-bin/menu/create", {"button": BUTTONS})
        _follow(phone)

        phone.get_by_test_id("menu-1").click()
        phone.get_by_test_id("menu-1-0").click()
        expect(phone.get_by_test_id("web-address")).to_have_value("http://127.0.0.1/card")
        phone.get_by_test_id("web-close").click()
        phone.get_by_test_id("menu-1").click()
        phone.get_by_test_id("menu-1-1").click()

        expect(phone.get_by_test_id("screen-title")).to_have_text("积分明细")

    def test_a_text_is_answered_and_both_sides_stay_after_a_reload(self, phone: Page) -> None:
        _follow(phone)
        phone.get_by_test_id("chat-input").fill("营业到几点 <b>?</b>")
        phone.get_by_test_id("chat-send").click()
        expect(phone.get_by_test_id("bubble").last).to_contain_text("收到：营业到几点 <b>?</b>")
        phone.reload()

        expect(phone.get_by_test_id("bubble-mine")).to_contain_text("营业到几点 <b>?</b>")

    def test_unfollowing_asks_first_and_tells_the_backend(self, phone: Page, stranger: Stranger) -> None:
        _follow(phone)

        phone.get_by_test_id("chat-more").click()
        phone.get_by_test_id("unfollow").click()
        phone.get_by_test_id("confirm-unfollow-cancel").click()
        expect(phone.get_by_test_id("follow")).to_be_hidden()
        phone.get_by_test_id("chat-more").click()
        phone.get_by_test_id("unfollow").click()
        phone.get_by_test_id("confirm-unfollow-ok").click()

        expect(phone.get_by_test_id("follow")).to_be_visible()
        assert stranger.hears("unsubscribe")

    def test_a_template_message_is_a_card_with_labels_that_opens_its_link(
        self, phone: Page, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        _follow(phone)
        openid = control("GET", "/users")[0]["openids"][OA]
        data = {"number1": {"value": "10"}, "thing2": {"value": "连续签到第三天"}}

        sent = stranger.call(
            "/cgi-bin/message/template/send",
            {"touser": openid, "template_id": "T1", "url": f"{stranger.url}/back", "data": data},
        )

        assert sent["errcode"] == 0
        card = phone.get_by_test_id("message-card")
        expect(card.get_by_test_id("card-title")).to_have_text("积分变动通知")
        expect(card).to_contain_text("变动积分")
        expect(card.get_by_test_id("field-thing2")).to_have_text("连续签到第三天")
        card.get_by_test_id("card-link").click()
        expect(phone.frame_locator("iframe").locator("#who")).to_have_text("refused")

    def test_a_message_that_arrives_elsewhere_lights_the_dot_until_read(
        self, phone: Page, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        _follow(phone)
        phone.get_by_test_id("back").click()
        openid = control("GET", "/users")[0]["openids"][OA]

        stranger.call(
            "/cgi-bin/message/custom/send", {"touser": openid, "msgtype": "text", "text": {"content": "在的"}}
        )

        expect(phone.get_by_test_id(f"unread-{OA}")).to_be_visible()
        phone.get_by_test_id(f"chat-{OA}").click()
        phone.get_by_test_id("back").click()
        expect(phone.get_by_test_id(f"unread-{OA}")).to_be_hidden()


class TestScan:
    def test_a_known_code_makes_the_person_follow_with_its_scene(self, phone: Page, stranger: Stranger) -> None:
        _scan_code(stranger, "store-001")

        phone.get_by_test_id("open-scan").click()
        phone.get_by_test_id("scan-code").click()

        expect(phone.get_by_test_id("bubble")).to_have_text("欢迎关注，点菜单开始")
        assert stranger.bodies("/push")[0]["EventKey"] == "qrscene_store-001"

    def test_a_pasted_ticket_of_an_expired_code_is_refused_in_chinese(
        self, phone: Page, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        ticket = _scan_code(stranger, "store-001")["ticket"]
        control("POST", "/clock", advance_seconds=601)

        phone.get_by_test_id("open-scan").click()
        phone.get_by_test_id("scan-text").fill(ticket)
        phone.get_by_test_id("scan-submit").click()

        expect(phone.get_by_test_id("toast")).to_have_text("二维码已过期")


class TestTime:
    def test_the_buttons_move_the_time_of_the_whole_sandbox(self, phone: Page, control: Callable[..., Any]) -> None:
        for button in ("clock-hour", "clock-day", "clock-week"):
            phone.get_by_test_id(button).click()
            expect(phone.get_by_test_id(button)).not_to_have_attribute("aria-busy", "true")

        expect(phone.get_by_test_id("clock-offset")).to_have_text("比真实时间快 8 天 1 小时")
        assert control("GET", "/clock")["offset_seconds"] == 8 * 86400 + 3600
        phone.get_by_test_id("clock-reset").click()
        expect(phone.get_by_test_id("clock-offset")).to_have_text("与真实时间相同")


def test_an_sms_shows_its_code(phone: Page, stranger: Stranger) -> None:
    body = {"phone": "+8613800000001", "template": "verification_code", "params": ["428613", "5"]}
    requests.post(
        f"{stranger.sandbox}/sms.sandbox/send",
        json=body,
        headers={"Authorization": "Bearer sandbox-sms-secret"},
        timeout=5,
    ).raise_for_status()

    phone.get_by_test_id("open-sms").click()

    expect(phone.get_by_test_id("sms-code")).to_have_text("428613")


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_nothing_is_wider_than_the_screen(phone: Page, width: int) -> None:
    phone.set_viewport_size({"width": width, "height": 720})

    for place in ("", "discover", "me", "users", "scan", "web", f"chat/{OA}", f"mp/{MP}"):
        phone.evaluate("place => { location.hash = `#/${place}`; }", place)
        assert phone.evaluate("document.documentElement.scrollWidth") <= width
        assert phone.evaluate(
            "document.getElementById('screen').scrollWidth <= document.getElementById('screen').clientWidth"
        )
