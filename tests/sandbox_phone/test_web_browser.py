"""The web view in a real browser: OAuth inside the frame, and the phone's side of the JS-SDK."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.sandbox_phone.stranger import H5_TEMPLATE, OA, Stranger

pytestmark = pytest.mark.browser


def _open(phone: Page, url: str) -> FrameLocator:
    phone.get_by_test_id("tab-discover").click()
    phone.get_by_test_id("discover-web").click()
    phone.get_by_test_id("web-address").fill(url)
    phone.get_by_test_id("web-go").click()
    return phone.frame_locator("[data-testid=web-frame]")


@pytest.fixture
def openid(control: Callable[..., Any], phone: Page) -> str:
    found: str = control("GET", "/users")[0]["openids"][OA]
    return found


class TestOAuth:
    def test_a_silent_request_tells_who_holds_the_phone(self, phone: Page, stranger: Stranger, openid: str) -> None:
        page = _open(phone, f"{stranger.url}/login/snsapi_base")

        expect(page.locator("#who")).to_have_text(openid)

    @pytest.mark.parametrize(("answer", "snapshot"), [("accept", "0"), ("snapshot", "1")])
    def test_the_sheet_sends_the_answer(self, phone: Page, stranger: Stranger, answer: str, snapshot: str) -> None:
        page = _open(phone, f"{stranger.url}/login/snsapi_userinfo")
        expect(page.get_by_test_id("consent-nickname")).to_have_text("小林")
        page.get_by_test_id(f"consent-{answer}").click()

        expect(page.locator("#snapshot")).to_have_text(snapshot)

    def test_refusing_goes_back_without_a_code(self, phone: Page, stranger: Stranger) -> None:
        page = _open(phone, f"{stranger.url}/login/snsapi_userinfo")
        page.get_by_test_id("consent-refuse").click()

        expect(page.locator("#who")).to_have_text("refused")


class TestSdk:
    def test_a_right_signature_makes_the_page_ready_and_the_address_is_shown(
        self, phone: Page, stranger: Stranger
    ) -> None:
        page = _open(phone, f"{stranger.url}/jssdk")

        expect(page.locator("#state")).to_have_text("shared-set")
        expect(phone.get_by_test_id("screen-title")).to_have_text("示例网页")
        expect(phone.get_by_test_id("web-address")).to_have_value(f"{stranger.url}/jssdk")

    def test_a_page_asks_for_a_transfer_over_the_bridge_and_hears_the_refusal(
        self, phone: Page, stranger: Stranger
    ) -> None:
        page = _open(phone, f"{stranger.url}/jssdk")
        expect(page.locator("#state")).to_have_text("shared-set")
        page.locator("#transfer").click()

        expect(page.locator("#result")).to_have_text("requestMerchantTransfer:fail 转账单不存在，请返回重试")

    def test_a_wrong_signature_is_an_error_on_the_page_and_on_the_phone(self, phone: Page, stranger: Stranger) -> None:
        page = _open(phone, f"{stranger.url}/jssdk?wrong=1")

        expect(page.locator("#state")).to_have_text("config:invalid signature")
        expect(phone.get_by_test_id("toast")).to_contain_text("JS-SDK 签名没有通过")
        page.locator("#scan").click()
        expect(page.locator("#result")).to_contain_text("scanQRCode:fail")

    def test_scanning_happens_on_the_phone_and_comes_back_to_the_page(self, phone: Page, stranger: Stranger) -> None:
        page = _open(phone, f"{stranger.url}/jssdk")
        expect(page.locator("#state")).to_have_text("shared-set")

        page.locator("#scan").click()
        phone.get_by_test_id("scan-text").fill("880012345678901234")
        phone.get_by_test_id("scan-submit").click()
        expect(page.locator("#result")).to_have_text("880012345678901234")

        page.locator("#scan").click()
        phone.get_by_test_id("scan-cancel").click()
        expect(page.locator("#result")).to_have_text("scanQRCode:cancel")

    def test_a_shared_card_can_be_opened_by_another_person(
        self, phone: Page, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        page = _open(phone, f"{stranger.url}/jssdk")
        expect(page.locator("#state")).to_have_text("shared-set")
        phone.get_by_test_id("web-more").click()
        expect(phone.get_by_test_id("share-timeline")).to_be_hidden()
        phone.get_by_test_id("share-friend").click()

        friend = control("POST", "/users", nickname="阿强")
        phone.goto(f"{stranger.sandbox}/#/users")
        phone.get_by_test_id(f"user-{friend['id']}").click()
        phone.get_by_test_id("open-shares").click()

        card = phone.get_by_test_id("share-card")
        expect(card).to_contain_text("小林 发给朋友")
        expect(card).to_contain_text("邀请你入会")
        card.get_by_test_id("share-open").click()
        expect(phone.get_by_test_id("web-address")).to_have_value(f"{stranger.url}/plain")

    def test_subscribing_from_a_page_asks_on_the_phone_and_is_pushed(
        self, phone: Page, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        control("POST", f"/users/{control('GET', '/users')[0]['id']}/follow", appid=OA)
        phone.reload()
        page = _open(phone, f"{stranger.url}/jssdk")
        expect(page.locator("#state")).to_have_text("shared-set")

        page.get_by_text("订阅").click()
        expect(phone.get_by_test_id("subscribe-sheet")).to_contain_text("新品上市提醒")
        phone.get_by_test_id("subscribe-accept").click()

        expect(page.locator("#result")).to_have_text(f'{{"{H5_TEMPLATE}":"{{\\"status\\":\\"accept\\"}}"}}')
        assert control("GET", "/users/1/grants") == [{"appid": OA, "template_id": H5_TEMPLATE, "balance": 1}]

    def test_only_followers_may_subscribe_from_a_page(self, phone: Page, stranger: Stranger) -> None:
        page = _open(phone, f"{stranger.url}/jssdk")
        expect(page.locator("#state")).to_have_text("shared-set")

        page.get_by_text("订阅").click()

        expect(page.locator("#result")).to_have_text("subscribe:fail require subscribe")


class TestMoving:
    def test_back_goes_through_the_pages_and_then_leaves(self, phone: Page, stranger: Stranger) -> None:
        page = _open(phone, f"{stranger.url}/jssdk")
        expect(page.locator("#state")).to_have_text("shared-set")
        page.locator("#next").click()
        expect(phone.locator(".web-holder")).to_have_attribute("data-loads", "2")

        phone.get_by_test_id("back").click()
        expect(page.locator("#state")).to_have_text("shared-set")
        phone.get_by_test_id("back").click()

        expect(phone.get_by_test_id("chat-list")).to_be_visible()

    def test_reload_loads_the_page_again_with_what_it_tells_the_phone(self, phone: Page, stranger: Stranger) -> None:
        page = _open(phone, f"{stranger.url}/jssdk")
        expect(page.locator("#state")).to_have_text("shared-set")

        phone.get_by_test_id("web-reload").click()

        expect(phone.locator(".web-holder")).to_have_attribute("data-loads", "2")
        expect(page.locator("#state")).to_have_text("shared-set")
        phone.get_by_test_id("web-more").click()
        expect(phone.get_by_test_id("share-friend")).to_be_visible()
        expect(phone.get_by_test_id("share-timeline")).to_be_hidden()

    @pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "nonsense"])
    def test_only_web_addresses_are_opened(self, phone: Page, address: str) -> None:
        _open(phone, address)

        expect(phone.get_by_test_id("toast")).to_contain_text("http://")
        expect(phone.get_by_test_id("web-frame")).to_have_count(0)
