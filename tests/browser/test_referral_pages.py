"""What a friend is shown, and what staff of risk look at: pages that need something to have happened first."""

from playwright.sync_api import Browser, Page, expect

from tests.browser import looks
from tests.browser.conftest import PHONE
from tests.browser.people import hold_phone, new_person
from tests.browser.system import System
from tests.support.browser import Problems, new_context

THUMB_PX = 36


def test_an_invitation_fits_a_phone_from_the_one_who_sends_it_to_the_one_who_opens_it(
    browser: Browser, page: Page, system: System, regular_cookies: list[dict[str, object]], problems: Problems
) -> None:
    sender = new_context(browser, width=PHONE[0], height=PHONE[1])
    sender.add_cookies(regular_cookies)  # type: ignore[arg-type]
    sharing = sender.new_page()
    problems.watch(sharing)
    problems.watch(page)
    sharing.goto(f"{system.web}/h5/invitations")
    link = sharing.get_by_test_id("link").inner_text()
    sharing.goto(f"{system.web}/h5/invitations/poster")
    for name in ("打开小程序", "打开公众号", "打开网页"):
        sharing.get_by_role("link", name=name).click()
        drawn = sharing.get_by_test_id("poster").evaluate("(image) => image.decode().then(() => image.naturalWidth)")
        assert drawn == 750

    hold_phone(page.context, system, new_person(system, nickname="新朋友", phone="+8613900000391"))
    page.goto(link)
    expect(page.get_by_test_id("join")).to_be_visible()

    assert looks.too_wide(page) == []
    assert looks.english(page) == set()
    assert looks.small_targets(page, least=THUMB_PX) == []
    page.get_by_test_id("join").click()
    expect(page.get_by_label("邀请码")).to_be_visible()
    assert looks.too_wide(page) == []
    sender.close()
