"""People of the browser tests: someone on the simulated platform, and what they do on our pages."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from portal.demo.people import DemoMember, demo_members
from portal.demo.purchases import buyers_of
from tests.browser.system import System

CONSENTS = ("service_terms", "privacy")


@dataclass(frozen=True)
class Person:
    """A WeChat user of the sandbox."""

    id: int
    phone: str

    @property
    def local_phone(self) -> str:
        """The number as people write it."""
        return self.phone.removeprefix("+86")


def new_person(system: System, *, nickname: str, phone: str) -> Person:
    """Make a WeChat user."""
    user: dict[str, Any] = system.control("POST", "/users", nickname=nickname, phone=phone)
    return Person(user["id"], user["phone"])


def hold_phone(context: BrowserContext, system: System, person: Person) -> None:
    """Make a browser the phone of this person."""
    context.add_cookies([{"name": "sim_user", "value": str(person.id), "url": system.sandbox}])


def most_active_demo_member() -> DemoMember:
    """The demo member who did most of late and bought something, for pages that are looked at."""
    at = datetime.now(UTC)
    members = buyers_of(demo_members(zone=ZoneInfo("Asia/Shanghai"), at=at), at=at)

    def acts_of_late(member: DemoMember) -> int:
        return sum(act.at > at - timedelta(days=30) for act in member.acts)

    return max((one for one in members if one.nickname), key=acts_of_late)


def code_by_sms(system: System, person: Person) -> str:
    """Read the code that was sent last to this person's number."""
    texts = [one["text"] for one in system.control("GET", f"/sms?phone={person.phone.replace('+', '%2B')}")]
    found = re.search(r"\d{6}", texts[-1])
    assert found, texts
    return found[0]


def bind_phone(page: Page | FrameLocator, system: System, person: Person) -> None:
    """Fill in the form of the binding page, with the code that arrived by SMS."""
    page.get_by_label("手机号").fill(person.local_phone)
    page.get_by_test_id("send-code").click()
    expect(page.get_by_role("status")).to_contain_text("验证码已发送")
    page.get_by_label("短信验证码").fill(code_by_sms(system, person))
    for purpose in CONSENTS:
        page.locator(f"input[name=consent][value^={purpose}]").check()
    page.get_by_test_id("bind").click()
