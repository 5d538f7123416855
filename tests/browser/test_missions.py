"""Missions on a phone and at a desk: claimed and made up with one thumb; written and published by a marketer."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from loyalty.check_ins.cards import grant_cards
from loyalty.check_ins.making_up import save_rules
from loyalty.check_ins.rules import MakeUpRules
from loyalty.container import Container, build
from loyalty.kernel.transaction import run
from loyalty.members.queries import find_holder
from loyalty.missions.rules.terms import MissionEvent
from loyalty.missions.service import Happening, count
from loyalty.settings import Settings
from tests.browser import looks
from tests.browser.people import Person
from tests.browser.system import System
from tests.browser.test_pages_look import THUMB_PX
from tests.factories.missions import ACTOR, make_mission, mission_of, steps

KIND = "event_attended"


@pytest.fixture(scope="module")
def container(system: System) -> Iterator[Container]:
    """The system's own database and clock."""
    container = build(Settings.from_environment(dict(system.settings)))
    yield container
    container.database.engine.dispose()


@pytest.fixture
def fan(page: Page, regular_cookies: list[dict[str, object]]) -> Page:
    page.context.add_cookies(regular_cookies)  # type: ignore[arg-type]
    return page


@pytest.fixture
def member_id(container: Container, regular: Person, regular_cookies: list[dict[str, object]]) -> int:
    index = container.vault.index(regular.phone, context="members.phone")
    holder = run(container.database, lambda session: find_holder(session, phone_index=index))
    assert holder is not None
    return holder.id


def assert_fits(page: Page) -> None:
    assert looks.too_wide(page) == []
    assert looks.english(page) == set()
    assert looks.small_targets(page, least=THUMB_PX) == []
    assert looks.unmarked_focus(page, steps=8) == []


def test_a_fan_sees_how_far_they_are_and_claims_what_waits(
    fan: Page, system: System, container: Container, member_id: int, tmp_path: Path
) -> None:
    at, zone = container.clock.now(), container.zone
    terms = mission_of(
        title="参加线下课", event=MissionEvent.CUSTOM, custom_kind=KIND, steps=steps((2, 10), (5, 50)),
        is_claimed_by_hand=True,
    )  # fmt: skip
    run(container.database, lambda session: make_mission(session, terms, at=at - timedelta(hours=1)))
    for number in range(2):
        happening = Happening(
            event=MissionEvent.CUSTOM, member_id=member_id, reference=f"browser:{number}", occurred_at=at,
            custom_kind=KIND,
        )  # fmt: skip
        run(
            container.database,
            lambda session, one=happening: count(session, vault=container.vault, happening=one, at=at, zone=zone),  # type: ignore[misc]
        )

    fan.goto(f"{system.web}/h5/")
    fan.get_by_role("link", name="任务").click()
    mission = fan.get_by_test_id("mission").filter(has_text="参加线下课")
    expect(mission.get_by_text("2/5 次")).to_be_visible()
    assert_fits(fan)
    fan.screenshot(path=tmp_path / "missions.png", full_page=True)
    mission.get_by_role("button", name="领取").click()

    expect(fan.get_by_role("status")).to_have_text("奖励已到账")
    expect(mission.get_by_text("已到账")).to_be_visible()
    expect(mission.get_by_role("button", name="领取")).to_have_count(0)


def test_a_fan_makes_a_missed_day_up(
    fan: Page, system: System, container: Container, member_id: int, tmp_path: Path
) -> None:
    at, a_month_back = container.clock.now(), MakeUpRules(days_back=31, month_limit=3, card_price=50)
    run(container.database, lambda session: save_rules(session, rules=a_month_back, actor=ACTOR, at=at))
    run(
        container.database,
        lambda session: grant_cards(session, member_id=member_id, cards=2, reference="browser", at=at),
    )

    fan.goto(f"{system.web}/h5/check-ins")
    box = fan.get_by_test_id("make-ups")
    expect(box).to_contain_text("补签卡 2 张")
    assert_fits(fan)
    fan.screenshot(path=tmp_path / "make-ups.png", full_page=True)
    box.get_by_role("button", name="补签").first.click()

    expect(fan.get_by_role("status")).to_contain_text("已补签")
    expect(fan.get_by_test_id("make-ups")).to_contain_text("补签卡 1 张")


def test_a_marketer_writes_a_mission_reads_it_and_publishes_it(
    desk: Page, system: System, staff_cookies: list[dict[str, object]], tmp_path: Path
) -> None:
    desk.context.add_cookies(staff_cookies)  # type: ignore[arg-type]
    desk.goto(f"{system.web}/console/missions")
    desk.screenshot(path=tmp_path / "list.png", full_page=True)
    desk.get_by_role("link", name="新建任务").click()
    desk.get_by_role("link", name="每日评价").click()
    desk.get_by_label("任务名称").fill("每日晒单")
    desk.get_by_label("第 2 档目标").fill("3")
    desk.get_by_label("第 2 档奖励").select_option("补签卡")
    desk.get_by_label("第 2 档数量").fill("1")
    desk.get_by_role("button", name="预览").click()
    expect(desk.locator("#trial")).to_contain_text("每天评价 1 次 得 5 积分，3 次 得 1 张补签卡")
    assert looks.too_wide(desk) == []
    desk.screenshot(path=tmp_path / "form.png", full_page=True)
    desk.get_by_role("button", name="保存草稿").click()
    desk.locator("summary", has_text="发布").click()
    desk.get_by_role("button", name="确认发布").click()

    expect(desk.get_by_text("已发布").first).to_be_visible()
    expect(desk.get_by_role("heading", name="效果")).to_be_visible()
    assert looks.too_wide(desk) == []
    desk.screenshot(path=tmp_path / "page.png", full_page=True)
