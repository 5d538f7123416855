"""Being paid: from the account to the confirmation on the phone, and what staff see of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from sqlalchemy.orm import Session

from loyalty.container import Container, build
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from loyalty.members.queries import find_by_phone, identities_of
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.service.requesting import Wish, request
from loyalty.settings import Settings
from tests.browser import looks
from tests.browser.conftest import DESK, PHONE
from tests.browser.people import Person, bind_phone, hold_phone, new_person
from tests.browser.system import System
from tests.browser.test_pages_look import THUMB_PX
from tests.factories.earnings import make_available
from tests.factories.payouts import configure
from tests.support.browser import Problems, new_context
from trial.environment import OA_APPID

CARD = "menu-0"
ANSWERED_MS = 30_000
"""A worker may be busy with what other tests have left it."""
OPEN = PayoutProgramme(minimum_fen=100, member_day_fen=200_000, approval_above_fen=20_000, points_per_yuan=100)


@pytest.fixture(scope="module")
def container(system: System) -> Iterator[Container]:
    """The system's own database and clock."""
    container = build(Settings.from_environment(dict(system.settings)))
    yield container
    container.database.engine.dispose()


@pytest.fixture(scope="module")
def fan(system: System, container: Container, browser: Browser) -> Person:
    """Somebody who has become a member and has ¥2,000."""
    person = new_person(system, nickname="小佣", phone="+8613900000501")
    system.control("POST", f"/users/{person.id}/follow", appid=OA_APPID)
    context = new_context(browser, width=PHONE[0], height=PHONE[1])
    hold_phone(context, system, person)
    page = context.new_page()
    page.goto(f"{system.web}/h5/earnings")
    bind_phone(page, system, person)
    expect(page.get_by_role("heading", name="我的收益")).to_be_visible()
    context.close()
    at = container.clock.now()
    run(container.database, lambda session: configure(session, programme=OPEN, at=at))
    run(container.database, lambda session: make_available(session, member_id(container, person), 200_000, at=at))
    return person


@pytest.fixture
def phone(page: Page, system: System, fan: Person) -> Page:
    """The simulated phone in the fan's hand."""
    hold_phone(page.context, system, fan)
    return page


@pytest.fixture
def office(browser: Browser, staff_cookies: list[dict[str, object]]) -> Iterator[Page]:
    """A desk at which the head of headquarters is logged in."""
    context = new_context(browser, width=DESK[0], height=DESK[1])
    context.add_cookies(staff_cookies)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def member_id(container: Container, person: Person) -> int:
    found = run(container.database, lambda session: find_by_phone(session, vault=container.vault, phone=person.phone))
    assert found is not None
    return found.id


def make_payout(session: Session, container: Container, owner: int) -> int:
    """A payout that somebody has to approve."""
    (identity, *_others) = identities_of(session, member_id=owner)
    asked = request(
        session,
        vault=container.vault,
        wish=Wish(owner, 30_000, identity.appid, identity.openid, "looked-at-by-staff"),
        is_tax_required=False,
        zone=container.zone,
        at=container.clock.now(),
        actor=Actor(f"member:{owner}"),
    )
    return asked.id


def open_earnings(phone: Page, system: System) -> FrameLocator:
    phone.goto(f"{system.sandbox}/#/chat/{OA_APPID}")
    phone.get_by_test_id(CARD).click()
    web = phone.frame_locator("[data-testid=web-frame]")
    web.get_by_role("link", name="我的收益").click()
    return web


def ask(web: FrameLocator, amount: str) -> None:
    web.get_by_test_id("withdraw").click()
    web.get_by_label("金额（元）").fill(amount)
    web.get_by_test_id("ask").click()


def assert_fits(page: Page) -> None:
    looks.settle(page)
    assert looks.too_wide(page) == []
    assert looks.english(page) == set()
    assert looks.unmarked_focus(page, steps=8) == []


class TestMember:
    def test_withdraws_confirms_on_the_phone_and_is_paid(self, phone: Page, system: System) -> None:
        web = open_earnings(phone, system)
        before = web.get_by_test_id("available").inner_text()
        ask(web, "12.34")
        expect(web.get_by_test_id("told")).to_have_text("请在 24 小时内确认收款", timeout=ANSWERED_MS)
        expect(web.get_by_test_id("confirm")).to_be_enabled(timeout=ANSWERED_MS)

        web.get_by_test_id("confirm").click()
        phone.get_by_test_id("transfer-cancel").click()
        expect(web.get_by_test_id("word")).to_contain_text("24 小时内都可以确认")
        web.get_by_test_id("confirm").click()
        expect(phone.get_by_test_id("transfer-amount")).to_have_text("¥12.34")
        phone.get_by_test_id("transfer-take").click()

        expect(web.get_by_test_id("told")).to_have_text("已到账，请在微信零钱查看", timeout=ANSWERED_MS)
        web.get_by_label("返回").click()
        web.get_by_label("返回").click()
        expect(web.get_by_test_id("available")).not_to_have_text(before)

    def test_finds_every_page_inside_the_screen(self, phone: Page, system: System, problems: Problems) -> None:
        problems.watch(phone)
        phone.goto(f"{system.web}/h5/earnings")
        assert_fits(phone)
        phone.goto(f"{system.web}/h5/withdrawal")
        assert_fits(phone)
        phone.get_by_label("金额（元）").fill("300")
        phone.get_by_test_id("ask").click()
        expect(phone.get_by_test_id("told")).to_have_text("正在审核，通过后为您打款")
        assert_fits(phone)
        assert looks.small_targets(phone, least=THUMB_PX) == []
        phone.get_by_test_id("cancel").click()
        expect(phone.get_by_test_id("told")).to_contain_text("金额已退回")
        phone.goto(f"{system.web}/h5/payouts")
        assert_fits(phone)
        phone.goto(f"{system.web}/h5/payee")
        assert_fits(phone)


class TestStaff:
    def test_find_every_payout_with_all_that_happened(
        self, office: Page, system: System, container: Container, fan: Person, problems: Problems
    ) -> None:
        problems.watch(office)
        owner = member_id(container, fan)
        payout_id = run(container.database, lambda session: make_payout(session, container, owner))
        for path in (f"payouts/{payout_id}", f"members/{owner}/earnings"):
            office.goto(f"{system.web}/console/{path}")
            assert_fits(office)
            office.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            assert looks.too_wide(office) == []
            office.set_viewport_size({"width": DESK[0], "height": DESK[1]})
