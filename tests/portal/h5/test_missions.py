"""Missions and days made up, on a fan's phone."""

import re
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.check_ins.cards import grant_cards
from loyalty.check_ins.making_up import save_rules
from loyalty.check_ins.rules import MakeUpRules
from loyalty.kernel.database import Database
from loyalty.missions.rules.errors import MissionRewardRefused
from loyalty.missions.rules.terms import MissionEvent
from loyalty.risk.models import Sighting
from loyalty.risk.queries.decisions import list_decisions
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import note_sighting
from portal.h5 import devices
from tests.factories.check_ins import check_in_on, make_plan
from tests.factories.members import make_member
from tests.factories.missions import ACTOR, do, make_mission, mission_of, steps
from tests.factories.points import balance_of, earn
from tests.portal.h5.conftest import Browser
from tests.support.settings import VAULT

HERE = "/h5/missions"
TODAY = date(2026, 3, 10)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def member_id_of(browser: Browser) -> int:
    assert browser.member is not None
    return browser.member.id


def test_missions_are_shown_with_their_progress_and_claimed_once(
    browser: Browser, session: Session, at: datetime
) -> None:
    member_id = member_id_of(browser)
    terms = mission_of(title="评价三次", steps=steps((2, 10), (3, 30)), is_claimed_by_hand=True)
    mission_id = make_mission(session, terms)
    for _ in range(2):
        do(session, member_id, at)
    session.commit()

    page = browser.open(HERE).text
    form = dict(re.findall(r'name="(key|step|period)" value="([^"]+)"', page))
    first = browser.send(f"{HERE}/{mission_id}", page=HERE, **form)
    session.commit()

    assert '<progress value="2" max="3" aria-label="评价三次 2/3 次">' in page
    assert "奖励已到账" in first.text
    assert "已到账" in browser.open(HERE).text
    assert balance_of(session, member_id) == 10


def test_a_claim_on_the_phone_of_a_farm_is_refused(browser: Browser, session: Session, at: datetime) -> None:
    mission_id = make_mission(session, is_claimed_by_hand=True)
    do(session, member_id_of(browser), at)
    session.commit()
    page = browser.open(HERE).text
    device = browser.client.get_cookie(devices.COOKIE)
    assert device is not None
    for _ in range(2):
        seen = Subject(make_member(session).id, device=device.value)
        note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=seen, at=at)
    session.commit()

    form = dict(re.findall(r'name="(key|step|period)" value="([^"]+)"', page))
    refused = browser.send(f"{HERE}/{mission_id}", page=HERE, **form)

    assert MissionRewardRefused.message in refused.text
    session.rollback()
    (decision,) = list_decisions(session, occasion=Occasion.MISSION).items
    assert decision.rule_name == "device_farm"
    kept = session.scalars(select(Sighting).where(Sighting.occasion == Occasion.MISSION)).one()
    assert kept.ip_index is not None


def test_what_nobody_could_have_meant_is_refused_in_words(browser: Browser, session: Session, at: datetime) -> None:
    mission_id = make_mission(session, is_claimed_by_hand=True)
    do(session, member_id_of(browser), at)
    session.commit()

    for spoiled in ({"step": "x"}, {"step": "9" * 30}, {"step": "1", "period": "x" * 300}, {}):
        answer = browser.send(f"{HERE}/{mission_id}", page=HERE, **spoiled)
        assert answer.status_code in (200, 404)
    assert balance_of(session, member_id_of(browser)) == 0


def test_an_empty_list_says_so(browser: Browser) -> None:
    assert "现在没有可以做的任务" in browser.open(HERE).text


def test_a_check_in_mission_leads_to_the_check_in(browser: Browser, session: Session) -> None:
    make_mission(session, event=MissionEvent.CHECK_IN)
    session.commit()

    assert 'href="/h5/check-ins">去签到' in browser.open(HERE).text


class TestMakingUp:
    def test_is_offered_beside_the_calendar_and_heals_the_streak(
        self, browser: Browser, database: Database, session: Session
    ) -> None:
        member_id = member_id_of(browser)
        make_plan(session)
        save_rules(session, rules=MakeUpRules(3, 3), actor=ACTOR, at=LONG_AGO)
        grant_cards(session, member_id=member_id, cards=1, reference="test", at=LONG_AGO)
        for days_ago in (2, 0):
            check_in_on(database, member_id, TODAY - timedelta(days=days_ago))
        session.commit()

        page = browser.open("/h5/check-ins").text
        done = browser.send("/h5/check-ins/make-ups", page="/h5/check-ins", on="2026-03-09")

        assert "补签 03-09" in page
        assert "已补签 3 月 9 日" in done.text
        assert "已连续签到 3 天" in done.text
        assert "完成任务可以获得补签卡" in done.text

    def test_sells_cards_for_points(self, browser: Browser, session: Session, at: datetime) -> None:
        make_plan(session)
        save_rules(session, rules=MakeUpRules(3, 3, 40), actor=ACTOR, at=LONG_AGO)
        earn(session, member_id_of(browser), 50, at=at)
        session.commit()

        done = browser.send("/h5/check-ins/make-up-cards", page="/h5/check-ins")
        short = browser.send("/h5/check-ins/make-up-cards", page="/h5/check-ins")

        assert "补签卡已到账" in done.text
        assert "积分不足" in short.text
        assert balance_of(session, member_id_of(browser)) == 10

    def test_of_no_day_is_refused(self, browser: Browser, session: Session) -> None:
        make_plan(session)
        session.commit()

        assert browser.send("/h5/check-ins/make-ups", page="/h5/check-ins", on="soon").status_code == 422
