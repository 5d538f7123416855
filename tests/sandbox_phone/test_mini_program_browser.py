"""The mini-program screen in a real browser: join, check in, subscribe, read, and when the backend fails."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.sandbox_phone.stranger import MP, Stranger
from tests.sandbox_phone.stranger_mini_program import MP_TEMPLATE

pytestmark = pytest.mark.browser


def _enter(phone: Page) -> None:
    phone.get_by_test_id("tab-discover").click()
    phone.get_by_test_id(f"open-mp-{MP}").click()


def _bind(phone: Page) -> None:
    _enter(phone)
    phone.get_by_test_id("consent-service_terms").check()
    phone.get_by_test_id("mp-phone").click()
    phone.get_by_test_id("phone-sheet-ok").click()


class TestJoining:
    def test_required_consent_is_asked_for_before_the_phone_number(self, phone: Page, stranger: Stranger) -> None:
        _enter(phone)
        expect(phone.get_by_test_id("consent-service_terms")).not_to_be_checked()
        phone.get_by_test_id("mp-phone").click()

        expect(phone.get_by_test_id("toast")).to_have_text("请先阅读并勾选《服务协议》")
        assert stranger.bodies("/phone") == []

    def test_allowing_the_phone_number_makes_a_member(self, phone: Page, stranger: Stranger) -> None:
        _enter(phone)
        phone.get_by_test_id("consent-service_terms").check()
        phone.get_by_test_id("mp-phone").click()
        expect(phone.get_by_test_id("phone-sheet")).to_contain_text("138****0001")
        phone.get_by_test_id("phone-sheet-ok").click()

        expect(phone.get_by_test_id("member-name")).to_have_text("小林")
        expect(phone.get_by_test_id("points-available")).to_have_text("20")
        [sent] = stranger.bodies("/phone")
        assert sent["consents"] == [{"purpose": "service_terms", "version": "1"}]
        assert sent["code"]

    def test_refusing_the_phone_number_sends_nothing(self, phone: Page, stranger: Stranger) -> None:
        _enter(phone)
        phone.get_by_test_id("consent-service_terms").check()
        phone.get_by_test_id("mp-phone").click()
        phone.get_by_test_id("phone-sheet-cancel").click()

        expect(phone.get_by_test_id("toast")).to_have_text("你没有允许使用手机号")
        assert stranger.bodies("/phone") == []

    def test_a_text_can_be_read_without_agreeing_to_it(self, phone: Page) -> None:
        _enter(phone)
        phone.get_by_test_id("read-service_terms").click()
        expect(phone.get_by_test_id("privacy-text")).to_contain_text("第一条")
        phone.get_by_test_id("privacy-text-close").click()

        expect(phone.get_by_test_id("consent-service_terms")).not_to_be_checked()

    def test_another_number_is_bound_by_its_sms_code(self, phone: Page, stranger: Stranger) -> None:
        _enter(phone)
        phone.get_by_test_id("consent-service_terms").check()
        phone.get_by_test_id("sms-bind-phone").fill("13900000002")
        phone.get_by_test_id("sms-bind-send").click()
        expect(phone.get_by_test_id("toast")).to_contain_text("验证码已发送")
        phone.get_by_test_id("sms-bind-code").fill("428613")
        phone.get_by_test_id("sms-bind-ok").click()

        expect(phone.get_by_test_id("member-card")).to_be_visible()
        assert stranger.bodies("/phone/sms-codes") == [{"phone": "13900000002"}]
        assert stranger.bodies("/phone/sms")[0]["sms_code"] == "428613"

    def test_a_second_proof_that_is_owed_is_asked_for(self, phone: Page, stranger: Stranger) -> None:
        stranger.binding = "review"
        _bind(phone)
        expect(phone.get_by_test_id("proof-message")).to_have_text("请完成身份核验")
        phone.get_by_test_id("proof-code").fill("123456")
        phone.get_by_test_id("proof-submit").click()

        expect(phone.get_by_test_id("member-card")).to_be_visible()
        assert stranger.bodies("/binding-reviews/3/code") == [{"proof_code": "123456"}]

    def test_an_offered_merge_proves_a_phone_and_agrees(self, phone: Page, stranger: Stranger) -> None:
        stranger.binding = "merge"
        _bind(phone)
        phone.get_by_test_id("merge-phone").fill("13900000002")
        phone.get_by_test_id("merge-code").fill("428613")
        phone.get_by_test_id("merge-ok").click()
        expect(phone.get_by_test_id("toast")).to_have_text("这个手机号验证通过")
        phone.get_by_test_id("merge-agree").click()

        expect(phone.get_by_test_id("toast")).to_contain_text("已同意合并")
        assert stranger.bodies("/merge-proposals/4/proofs") == [{"phone": "13900000002", "sms_code": "428613"}]


class TestMember:
    @pytest.fixture(autouse=True)
    def inside(self, phone: Page, stranger: Stranger) -> None:
        stranger.is_member = True
        _enter(phone)
        expect(phone.get_by_test_id("member-card")).to_be_visible()

    def test_checking_in_marks_the_day_and_shows_the_reason(self, phone: Page, stranger: Stranger) -> None:
        phone.get_by_test_id("go-check-in").click()
        expect(phone.get_by_test_id("day-2026-03-09")).to_have_attribute("data-done", "true")
        phone.get_by_test_id("mp-check-in").click()

        expect(phone.get_by_test_id("toast")).to_have_text("签到第 3 天，得 10 积分")
        expect(phone.get_by_test_id("streak")).to_have_text("3")
        expect(phone.get_by_test_id("day-2026-03-10")).to_have_attribute("data-done", "true")
        expect(phone.get_by_test_id("mp-check-in")).to_be_disabled()
        [key] = stranger.bodies("key")
        assert len(key) == 32

    def test_an_accepted_prompt_is_pushed_and_reported(
        self, phone: Page, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        phone.get_by_test_id("mp-subscribe").click()
        phone.get_by_test_id("subscribe-accept").click()

        expect(phone.get_by_test_id("toast")).to_contain_text("已订阅 1 种消息")
        assert stranger.bodies("/subscription-grants") == [
            {"answers": [{"template_id": MP_TEMPLATE, "answer": "accept"}]}
        ]
        assert control("GET", "/users/1/grants")[0]["balance"] == 1
        assert stranger.hears("subscribe_msg_popup_event")

    def test_an_unticked_template_counts_as_rejected(self, phone: Page, stranger: Stranger) -> None:
        phone.get_by_test_id("mp-subscribe").click()
        phone.get_by_test_id(f"subscribe-{MP_TEMPLATE}").uncheck()
        phone.get_by_test_id("subscribe-accept").click()

        expect(phone.get_by_test_id("toast")).to_have_text("没有订阅")
        assert stranger.bodies("/subscription-grants") == [
            {"answers": [{"template_id": MP_TEMPLATE, "answer": "reject"}]}
        ]

    def test_always_keeps_the_answer_and_each_call_counts_once_more(
        self, phone: Page, control: Callable[..., Any]
    ) -> None:
        phone.get_by_test_id("mp-subscribe").click()
        phone.get_by_test_id("subscribe-always").check()
        phone.get_by_test_id("subscribe-accept").click()
        expect(phone.get_by_test_id("mp-subscribe")).not_to_have_attribute("aria-busy", "true")

        phone.get_by_test_id("mp-subscribe").click()
        expect(phone.get_by_test_id("mp-subscribe")).not_to_have_attribute("aria-busy", "true")

        assert control("GET", "/users/1/grants")[0]["balance"] == 2

    def test_turning_a_template_off_takes_the_grants(self, phone: Page, control: Callable[..., Any]) -> None:
        phone.get_by_test_id("mp-subscribe").click()
        phone.get_by_test_id("subscribe-accept").click()
        expect(phone.get_by_test_id("toast")).to_contain_text("已订阅")

        phone.get_by_test_id("mp-more").click()
        phone.get_by_test_id("mp-open-settings").click()
        phone.get_by_test_id(f"refuse-{MP_TEMPLATE}").click()

        expect(phone.get_by_test_id("toast")).to_have_text("已拒收“积分变动提醒”")
        assert control("GET", "/users/1/grants") == []

    def test_every_points_entry_shows_its_reason(self, phone: Page) -> None:
        phone.get_by_test_id("go-points").click()

        expect(phone.get_by_test_id("entry")).to_have_count(2)
        expect(phone.get_by_test_id("entry-reason").first).to_have_text("兑换咖啡券")
        expect(phone.get_by_test_id("entry-points").first).to_have_text("-5")
        expect(phone.get_by_test_id("soonest-expiry")).to_have_text("20 积分将于 2027-03-31 23:59 到期")

    def test_the_member_code_is_drawn_and_readable(self, phone: Page) -> None:
        phone.get_by_test_id("go-card").click()

        expect(phone.get_by_test_id("member-code")).to_have_text("8800 1234 5678 9012 34")
        drawn = phone.get_by_test_id("member-code-qr")
        expect(drawn).to_be_visible()
        assert drawn.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")

    def test_opening_an_inbox_message_marks_it_read(self, phone: Page, stranger: Stranger) -> None:
        phone.get_by_test_id("go-inbox").click()
        message = phone.get_by_test_id("inbox-message")
        expect(message).to_have_attribute("data-read", "false")
        with phone.expect_response("**/_sim/mp/request"):
            message.click()

        expect(message).to_have_attribute("data-read", "true")
        assert ("/inbox/7/read", {}) in stranger.seen

    def test_a_session_that_ended_is_renewed_once_without_a_word(self, phone: Page, stranger: Stranger) -> None:
        stranger.logins += 1  # the backend forgets the token it gave

        phone.get_by_test_id("go-points").click()

        expect(phone.get_by_test_id("entries")).to_be_visible()
        assert len(stranger.bodies("/sessions")) == 2

    def test_moving_the_time_refreshes_the_page(self, phone: Page, stranger: Stranger) -> None:
        phone.get_by_test_id("go-check-in").click()
        expect(phone.get_by_test_id("mp-check-in")).to_be_enabled()
        stranger.checked_in = True

        phone.get_by_test_id("clock-day").click()

        expect(phone.get_by_test_id("mp-check-in")).to_be_disabled()


class TestFailures:
    def test_the_backends_own_words_are_shown_and_retry_recovers(self, phone: Page, stranger: Stranger) -> None:
        stranger.is_down = True
        _enter(phone)
        expect(phone.get_by_test_id("mp-failure")).to_contain_text("系统繁忙，请稍后再试")

        stranger.is_down = False
        phone.get_by_test_id("mp-retry").click()

        expect(phone.get_by_test_id("join-card")).to_be_visible()

    def test_a_backend_that_is_not_there_is_said_in_chinese(self, phone: Page, control: Callable[..., Any]) -> None:
        control("PATCH", f"/config/accounts/{MP}", request_base="http://127.0.0.1:9")
        phone.reload()
        _enter(phone)

        expect(phone.get_by_test_id("mp-failure")).to_contain_text("连不上小程序的服务器")

    def test_a_page_the_mini_program_does_not_have_is_said(self, phone: Page) -> None:
        phone.evaluate(f"location.hash = '#/mp/{MP}?page=pages/none/index'")

        expect(phone.get_by_test_id("screen-title")).to_have_text("页面不存在")
