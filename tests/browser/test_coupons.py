"""Coupons on a phone: a claim in a rush, the wallet and the code, with and without script."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from loyalty.container import Container, build
from loyalty.coupons.rules.terms import Claiming, MemberLimits
from loyalty.kernel.transaction import run
from loyalty.settings import Settings
from portal.demo.chain import ACTOR
from tests.browser import looks
from tests.browser.conftest import PHONE
from tests.browser.people import bind_phone, hold_phone, new_person
from tests.browser.system import System
from tests.browser.test_pages_look import THUMB_PX
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.support.browser import Problems, new_context

ONCE = MemberLimits(total=1)
HOUR = timedelta(hours=1)
SOMEBODY_ELSE = 1
"""A member of the demo chain."""


@pytest.fixture(scope="module")
def container(system: System) -> Iterator[Container]:
    """The system's own database and clock."""
    container = build(Settings.from_environment(dict(system.settings)))
    yield container
    container.database.engine.dispose()


@pytest.fixture(scope="module")
def fan_cookies(system: System, browser: Browser) -> list[dict[str, object]]:
    """The cookies of somebody who has just become a member."""
    context = new_context(browser, width=PHONE[0], height=PHONE[1])
    person = new_person(system, nickname="小券", phone="+8613900000401")
    hold_phone(context, system, person)
    page = context.new_page()
    page.goto(f"{system.web}/h5/coupons")
    bind_phone(page, system, person)
    expect(page.get_by_role("heading", name="我的券包")).to_be_visible()
    cookies = [dict(cookie) for cookie in context.cookies()]
    context.close()
    return cookies


@pytest.fixture
def fan(page: Page, fan_cookies: list[dict[str, object]]) -> Page:
    page.context.add_cookies(fan_cookies)  # type: ignore[arg-type]
    return page


def make(container: Container, title: str, *, opens_in: timedelta | None = None, **changes: Any) -> int:
    """A template in the centre of the running system."""
    at = container.clock.now()
    claiming = Claiming(is_in_centre=True, opens_at=None if opens_in is None else at + opens_in)
    terms = terms_of(title=title, claiming=claiming, member_limits=ONCE, **changes)
    return run(container.database, lambda session: make_template(session, terms, actor=ACTOR, at=at))


def assert_fits(page: Page) -> None:
    assert looks.too_wide(page) == []
    assert looks.english(page) == set()
    assert looks.small_targets(page, least=THUMB_PX) == []
    assert looks.unmarked_focus(page, steps=8) == []


class TestRush:
    def test_counts_down_by_the_servers_time_and_believes_the_server(
        self, fan: Page, system: System, container: Container
    ) -> None:
        template_id = make(container, "十点开抢", opens_in=HOUR)
        asked: list[str] = []
        fan.on("request", lambda request: asked.append(request.method))
        fan.clock.install()
        fan.goto(f"{system.web}/h5/coupon-centre/{template_id}")
        expect(fan.get_by_test_id("countdown")).to_contain_text("距开始 00:59:")
        expect(fan.get_by_test_id("claim")).to_be_disabled()
        assert_fits(fan)
        before = len(asked)

        fan.clock.fast_forward(int(HOUR.total_seconds() * 1000))
        expect(fan.get_by_test_id("claim")).to_be_enabled()
        assert len(asked) == before, "nothing is asked while it counts down"

        fan.get_by_test_id("claim").click()
        expect(fan.get_by_test_id("word")).to_have_text("领取还没有开始")
        expect(fan.get_by_test_id("countdown")).to_contain_text("距开始 00:")

    def test_waits_as_long_as_it_is_told_and_longer_each_time(
        self, fan: Page, system: System, container: Container
    ) -> None:
        template_id = make(container, "排队领取")
        asked: list[str] = []

        def busy_twice(route: Route) -> None:
            if route.request.method != "POST":
                route.continue_()
                return
            asked.append(route.request.url)
            if len(asked) <= 2:
                route.fulfill(status=503, headers={"Retry-After": "3"}, body="")
            else:
                route.continue_()

        fan.clock.install()
        fan.goto(f"{system.web}/h5/coupon-centre/{template_id}")
        fan.route(f"**/h5/coupon-centre/{template_id}", busy_twice)
        fan.clock.pause_at(container.clock.now() + HOUR)

        with fan.expect_response(lambda response: response.status == 503):
            fan.get_by_test_id("claim").click()
        expect(fan.get_by_test_id("word")).to_have_text("排队中，请勿刷新")
        fan.clock.run_for(2_900)
        assert len(asked) == 1
        with fan.expect_response(lambda response: response.status == 503):
            fan.clock.run_for(1_100)
        expect(fan.get_by_test_id("word")).to_have_text("排队中，请勿刷新")
        fan.clock.run_for(3_900)
        assert len(asked) == 2
        fan.clock.run_for(1_400)

        fan.wait_for_url("**/h5/coupons/*")
        expect(fan.get_by_role("status")).to_contain_text("领取成功")
        assert len(asked) == 3

    def test_says_at_once_that_nothing_is_left(self, fan: Page, system: System, container: Container) -> None:
        at = container.clock.now()
        terms = terms_of(title="最后一张", member_limits=ONCE)
        template_id = run(
            container.database, lambda session: make_template(session, terms, stock=1, actor=ACTOR, at=at)
        )
        fan.goto(f"{system.web}/h5/coupon-centre/{template_id}")
        run(container.database, lambda session: issue_to(session, SOMEBODY_ELSE, template_id, at=at))

        with fan.expect_response(lambda response: response.request.method == "POST") as answer:
            fan.get_by_test_id("claim").click()

        expect(fan.get_by_test_id("word")).to_have_text("优惠券已领完")
        assert int(answer.value.headers["retry-after"]) >= 60
        expect(fan.get_by_test_id("claim")).to_be_disabled()


class TestWallet:
    def test_from_the_centre_to_the_code_that_is_drawn_anew(
        self, fan: Page, system: System, container: Container, problems: Problems
    ) -> None:
        make(container, "进店立减")
        problems.watch(fan)
        fan.goto(f"{system.web}/h5/")
        fan.get_by_role("link", name="领券中心").click()
        fan.get_by_role("button", name="领取 进店立减").click()
        expect(fan.get_by_role("status")).to_contain_text("领取成功")
        assert_fits(fan)

        fan.get_by_role("link", name="我的券包").click()
        fan.get_by_role("link", name="使用 进店立减").click()
        expect(fan.get_by_test_id("coupon-code")).to_be_visible()
        assert_fits(fan)
        with fan.expect_response("**/h5/coupons/*/code") as fetched:
            fan.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")

        assert fetched.value.ok
        expect(fan.get_by_label("券码").locator("svg")).to_be_visible()

    def test_without_script(
        self, browser: Browser, system: System, container: Container, fan_cookies: list[dict[str, object]]
    ) -> None:
        template_id = make(container, "无脚本券")
        context = new_context(browser, width=PHONE[0], height=PHONE[1], has_script=False)
        context.add_cookies(fan_cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{system.web}/h5/coupon-centre/{template_id}")
        page.get_by_test_id("claim").click()

        expect(page.get_by_role("status")).to_contain_text("领取成功")
        expect(page.get_by_test_id("coupon-code")).to_be_visible()
        context.close()
